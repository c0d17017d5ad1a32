/**
 * Clips that are made when another node reads them.
 *
 * ```text
 *   film ──> small ──> watch          film ──> other
 * ```
 */
import { chunkOfRgb, createFrameService, defineNode, type Frames, NodeError } from '@reelgraph/node-api';
import { createTestContext } from '@reelgraph/node-api/testing';
import { expect, test } from 'vitest';
import { document, registryOf, testEngine } from './example-nodes.ts';
import { filesIn, valueBytes } from './memory-cache.ts';

const clipPort = { frames: { type: 'frames', label: 'Frames', description: '' } } as const;
const about = {
  version: 1,
  title: 'Clip',
  description: '',
  category: 'Test',
  params: {},
  lane: 'cpu',
} as const;
const size = { frameCount: 200, widthPx: 320, heightPx: 240 };

const film = defineNode({
  ...about,
  type: 'film',
  inputs: {},
  outputs: clipPort,
  cache: 'memory',
  run: () => ({
    frames: {
      ...size,
      fps: 24,
      source: {
        kind: 'video',
        file: { kind: 'file', digest: 'a'.repeat(64), byteLength: 9, mediaType: 'video/mp4', name: 'film' },
        reader: 'mov',
        startFrame: 0,
        entries: { every: 64, seconds: [] },
      },
    } satisfies Frames,
  }),
});
const small = defineNode({
  ...about,
  type: 'small',
  inputs: clipPort,
  outputs: clipPort,
  cache: 'memory',
  async run({ inputs: { frames: clip }, ctx }) {
    const to = {
      ...size,
      widthPx: 160,
      fps: clip.fps,
      source: { kind: 'resized', clip, fit: 'cover' },
    } as const;
    return { frames: await ctx.frames.make(to, ctx.signal) };
  },
});
const reader = (type: string) =>
  defineNode({
    ...about,
    type,
    inputs: clipPort,
    outputs: { count: { type: 'integer', label: 'Count', description: '' } },
    isOutput: true,
    cache: 'none',
    async run({ inputs, ctx }) {
      let count = 0;
      for await (const chunk of ctx.frames.read(inputs.frames, ctx.signal)) count += chunk.frameCount;
      return { count };
    },
  });
const registry = registryOf(film, small, reader('watch'), reader('other'));
const workflow = document({ film: ['film'], small: ['small'], watch: ['watch'], other: ['other'] }, [
  'film.frames -> small.frames',
  'small.frames -> watch.frames',
  'film.frames -> other.frames',
]);

/** A film that breaks off after `frames`, and resizing that fails when it is told to. */
function service(frames: number, onResize: () => void = () => undefined) {
  return createFrameService({
    async *decode(clip, part, perChunk) {
      for (let at = part.start; at < part.start + part.frameCount; at += perChunk) {
        if (at >= frames)
          throw new NodeError('media/decode-failed', 'The video could not be read to its end.');
        const count = Math.min(perChunk, part.start + part.frameCount - at);
        yield chunkOfRgb(new Uint8Array(count * clip.widthPx * clip.heightPx * 3), {
          ...clip,
          frameCount: count,
        });
      }
    },
    async resize(chunk, { widthPx, heightPx }) {
      onResize();
      return chunkOfRgb(new Uint8Array(chunk.frameCount * widthPx * heightPx * 3), {
        ...chunk,
        widthPx,
        heightPx,
      });
    },
  });
}

test('E10 a clip that is made when it is read reaches every reader, and is shown by its facts', async () => {
  const engine = testEngine(registry, { frames: service(200) });
  const result = await engine.run(workflow);
  expect(result.status).toBe('succeeded');
  expect([...result.outputs.values()]).toMatchObject([
    { count: { text: '200' } },
    { count: { text: '200' } },
  ]);
  const finished = result.events.filter((event) => event.type === 'node.finished');
  expect(finished.find(({ nodeId }) => nodeId === 'small')?.outputs).toMatchObject({
    frames: { type: 'frames', facts: { frameCount: 200, widthPx: 160, heightPx: 240, fps: 24 } },
  });
  expect((await engine.run(workflow)).story).toContain('cached small');
});

test('E10 what cannot be read is the failure of the node that gave it, once, and all that reads it is skipped', async () => {
  const result = await testEngine(registry, { frames: service(100) }).run(workflow);
  expect(result.status).toBe('failed');
  const [finished] = result.events.filter((event) => event.type === 'run.finished');
  expect(finished?.failures).toMatchObject([
    { nodeId: 'film', code: 'media/decode-failed', message: 'The video could not be read to its end.' },
  ]);
  expect(result.story.filter((line) => !line.startsWith('started'))).toEqual([
    'finished film',
    'finished small',
    'failed film',
    expect.stringMatching(/^skipped (watch|other)$/),
    expect.stringMatching(/^skipped (watch|other)$/),
  ]);
});

test('E10 the node between is named when it is the one that fails, and the rest is delivered', async () => {
  const broken = service(200, () => {
    throw new Error('no room to resize');
  });
  const result = await testEngine(registry, { frames: broken }).run(workflow);
  expect(result.status).toBe('partial');
  const [finished] = result.events.filter((event) => event.type === 'run.finished');
  expect(finished?.failures).toMatchObject([
    { nodeId: 'small', code: 'frames/unreadable', message: 'no room to resize' },
  ]);
});

test('E10 what failed to be read is made anew by the next run', async () => {
  let isBroken = true;
  const engine = testEngine(registry, {
    frames: service(200, () => {
      if (isBroken) throw new Error('for now');
    }),
  });
  expect((await engine.run(workflow, { targets: ['watch'] })).status).toBe('failed');
  isBroken = false;
  const second = await engine.run(workflow, { targets: ['watch'] });
  expect(second.status).toBe('succeeded');
  expect(second.story).toEqual([
    'cached film',
    'started small',
    'finished small',
    'started watch',
    'finished watch',
  ]);
});

test('E10 a clip made of itself many times over counts once in memory, and names its file once', async () => {
  const { frames } = await film.run({ inputs: {}, params: {}, ctx: createTestContext() });
  let clip: Frames = frames;
  for (let i = 0; i < 60; i++) {
    const source = { kind: 'joined', first: clip, second: clip, crossfade: 0 } as const;
    clip = { ...size, frameCount: 400, fps: 24, source };
  }
  // Of 2^60 places it would not come to an end.
  expect(filesIn({ frames: clip })).toEqual(['a'.repeat(64)]);
  expect(valueBytes({ frames: clip })).toBeLessThan(20_000);
});

test('E10 without a place for long clips they are refused in words', async () => {
  const { events } = await testEngine(registry).run(workflow, { targets: ['other'] });
  const [finished] = events.filter((event) => event.type === 'run.finished');
  expect(finished?.failures).toMatchObject([{ nodeId: 'film', code: 'frames/no-videos' }]);
});
