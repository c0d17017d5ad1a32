/**
 * Clips that are read while they are still being made.
 *
 * ```text
 *   make ──> small ──> watch          make ──> other
 * ```
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AnyNodeDefinition,
  defineNode,
  type FrameFiles,
  type FrameService,
  type Frames,
} from '@reelgraph/node-api';
import { createFakeFrameFiles, createFakeFrames } from '@reelgraph/node-api/testing';
import { openStore } from '@reelgraph/store';
import { full, type Tensor } from '@reelgraph/tensor';
import { describe, expect, test, vi } from 'vitest';
import type { EngineOptions } from './engine-types.ts';
import { parseCosts, readCostsText } from './estimate/cost-samples.ts';
import { document, registryOf, sumNode, testEngine } from './example-nodes.ts';

const clipPort = { frames: { type: 'frames', label: 'Frames', description: '' } } as const;
const countPort = { count: { type: 'text', label: 'Count', description: '' } } as const;
const about = { version: 1, title: 'Clip', description: '', category: 'Test', params: {} } as const;
const size = { frameCount: 6, widthPx: 8, heightPx: 4, fps: 8 };
const frameBytes = 8 * 4 * 12;
/** One frame in a chunk; a clip of two is long, or every clip is short. */
const long = { shortBytes: frameBytes, chunkBytes: frameBytes, reversedBytes: 2 * frameBytes };
const short = { ...long, shortBytes: 1e6 };

/** What went on, in order, and who waits for it to come to this. */
function record() {
  const lines: string[] = [];
  const waiting: { readonly line: string; readonly goOn: () => void }[] = [];
  return {
    lines,
    add(line: string): void {
      lines.push(line);
      for (const waiter of waiting) if (waiter.line === line) waiter.goOn();
    },
    until(line: string, signal: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        if (lines.includes(line)) resolve();
        waiting.push({ line, goOn: resolve });
        signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      });
    },
  };
}

interface Film {
  /** Before each frame is made. */
  readonly before?: (frame: number, signal: AbortSignal) => void | Promise<void>;
  readonly version?: number;
  readonly cache?: 'memory' | 'disk';
}

/** Makes frame n at the level n / 10, one by one. */
const maker = ({ before = () => undefined, version = 1, cache = 'memory' }: Film = {}) =>
  defineNode({
    ...about,
    version,
    type: 'make',
    inputs: {},
    outputs: clipPort,
    cache,
    lane: 'inference',
    async run({ ctx }) {
      async function* chunks(): AsyncGenerator<Tensor<'float32'>> {
        for (let frame = 0; frame < size.frameCount; frame++) {
          await before(frame, ctx.signal);
          ctx.signal.throwIfAborted();
          yield full([1, 3, 1, size.heightPx, size.widthPx], frame / 10);
        }
      }
      return {
        frames: await ctx.frames.keep(size, chunks(), ctx.signal, (frames) => ctx.handOut({ frames })),
      };
    },
  });

/** Gives every frame twice the width, unread where the clip is long. */
const small = defineNode({
  ...about,
  type: 'small',
  inputs: clipPort,
  outputs: clipPort,
  cache: 'memory',
  lane: 'cpu',
  growing: ['frames'],
  async run({ inputs: { frames: clip }, ctx }) {
    const source = { kind: 'resized', clip, fit: 'stretch' } as const;
    return { frames: await ctx.frames.make({ ...size, widthPx: 16, source }, ctx.signal) };
  },
});

interface Watcher {
  readonly onFrame?: (frame: number, signal: AbortSignal) => void | Promise<void>;
  readonly onEnd?: () => void;
  readonly isPatient?: boolean;
  readonly isTarget?: boolean;
  readonly cache?: 'memory' | 'none';
}

/** Reads a clip; gives the levels of its frames. */
const watcher = (
  type: string,
  { onFrame = () => undefined, onEnd, isPatient = false, cache = 'memory' }: Watcher = {},
) =>
  defineNode({
    ...about,
    type,
    inputs: clipPort,
    outputs: countPort,
    isOutput: true,
    cache,
    lane: 'cpu',
    ...(isPatient ? {} : { growing: ['frames'] as const }),
    async run({ inputs, ctx }) {
      const levels: number[] = [];
      try {
        for await (const chunk of ctx.frames.read(inputs.frames, ctx.signal)) {
          await onFrame(levels.length, ctx.signal);
          levels.push(Math.round((chunk.pixels.data[0] ?? 0) * 10));
        }
      } finally {
        onEnd?.();
      }
      return { count: levels.join(' ') };
    },
  });

const wires = ['make.frames -> small.frames', 'small.frames -> watch.frames', 'make.frames -> other.frames'];
const workflow = document({ make: ['make'], small: ['small'], watch: ['watch'], other: ['other'] }, wires);
const direct = document({ make: ['make'], watch: ['watch'] }, ['make.frames -> watch.frames']);
const allLevels = '0 1 2 3 4 5';

interface Surroundings extends Partial<EngineOptions> {
  readonly limits?: typeof long;
  readonly frameFiles?: FrameFiles;
}

function engineOf(
  nodes: readonly AnyNodeDefinition[],
  { limits = long, frameFiles, ...options }: Surroundings = {},
) {
  const frames: FrameService = createFakeFrames(undefined, frameFiles, limits);
  return testEngine(registryOf(...nodes), { frames, ...options });
}

describe.each([
  ['long', long],
  ['short', short],
])('a %s clip', (_, limits) => {
  test('E11 is read while it is made: each frame is seen before the next is drawn', async () => {
    const log = record();
    const make = maker({
      async before(frame, signal) {
        if (frame > 0) await log.until(`watch saw ${frame - 1}`, signal);
        log.add(`drew ${frame}`);
      },
    });
    // The first frame is handed out when it is there.
    const watch = watcher('watch', { onFrame: (frame) => log.add(`watch saw ${frame}`) });
    const result = await engineOf([make, watch], { limits }).run(direct);
    expect(result.status).toBe('succeeded');
    expect(result.outputs.get('watch')?.['count']?.text).toBe(allLevels);
    expect(log.lines).toEqual([0, 1, 2, 3, 4, 5].flatMap((frame) => [`drew ${frame}`, `watch saw ${frame}`]));
    expect(result.story).toEqual(['started make', 'started watch', 'finished make', 'finished watch']);
  });

  test('E11 gives what it gives to those that wait for its end, also through nodes between', async () => {
    const give = async (isPatient: boolean) => {
      const nodes = [maker(), { ...small, growing: isPatient ? [] : ['frames'] }];
      const engine = engineOf([...nodes, watcher('watch', { isPatient }), watcher('other', { isPatient })], {
        limits,
      });
      const result = await engine.run(workflow);
      return { status: result.status, outputs: result.outputs, story: result.story };
    };
    const [led, patient] = [await give(false), await give(true)];
    expect(led.outputs).toEqual(patient.outputs);
    expect(led.outputs.get('watch')?.['count']?.text).toBe(allLevels);
    expect(led.story.indexOf('started small') < led.story.indexOf('finished make')).toBe(true);
    // What is short is made at once, and read when it is.
    expect(led.story.indexOf('started watch') < led.story.indexOf('finished make')).toBe(limits === long);
    expect(patient.story.indexOf('started watch') > patient.story.indexOf('finished small')).toBe(true);
  });

  test('E11 counts for nobody when it cannot be made to its end', async () => {
    const log = record();
    const make = maker({
      async before(frame, signal) {
        if (frame < 3) return;
        if (limits === long) await log.until('watch saw 1', signal);
        await log.until('other saw 2', signal);
        throw new Error('no more ideas');
      },
    });
    const nodes = ['watch', 'other'].map((type) =>
      watcher(type, {
        onFrame: (frame) => log.add(`${type} saw ${frame}`),
        onEnd: () => log.add(`${type} over`),
      }),
    );
    const engine = engineOf([make, small, ...nodes], { limits });
    const result = await engine.run(workflow);
    expect(result.status).toBe('failed');
    const skipped = result.events.flatMap((event) =>
      event.type === 'node.skipped' ? [[event.nodeId, event.because]] : [],
    );
    const because = 'it needs "make", which failed';
    expect(Object.fromEntries(skipped)).toEqual({ small: because, watch: because, other: because });
    expect(result.events.at(-1)).toMatchObject({
      failures: [{ nodeId: 'make', message: expect.stringContaining('no more ideas') }],
    });
    expect(result.story.filter((line) => line.startsWith('finished'))).toEqual([]);
    // Nobody is left behind at work.
    expect(log.lines.filter((line) => line.endsWith('over')).length).toBe(limits === long ? 2 : 1);
    // Nor is anything kept: all of it is made by the next run.
    const second = await engine.run(workflow);
    expect(second.story.filter((line) => line.startsWith('cached'))).toEqual([]);
  });
});

test('E11 what failed is made anew, and comes from the cache afterwards, for new readers too', async () => {
  let isBroken = true;
  const log = record();
  const make = maker({
    async before(frame, signal) {
      if (frame === 1) await log.until('watch saw 0', signal);
      if (frame === 4 && isBroken) throw new Error('for now');
    },
  });
  const watch = watcher('watch', { onFrame: (frame) => log.add(`watch saw ${frame}`) });
  const engine = engineOf([make, small, watch, watcher('other', { cache: 'none' })]);
  expect((await engine.run(workflow)).status).toBe('failed');
  isBroken = false;
  const second = await engine.run(workflow);
  expect([second.status, second.outputs.get('watch')?.['count']?.text]).toEqual(['succeeded', allLevels]);
  expect(second.story).toContain('finished small');
  const third = await engine.run(workflow);
  expect(third.story.slice(-2)).toEqual(['started other', 'finished other']);
  expect(third.story.slice(0, -2).sort()).toEqual(['cached make', 'cached small', 'cached watch']);
  expect(third.outputs.get('other')?.['count']?.text).toBe(allLevels);
});

test('E11 the recipe that a node gave meanwhile is kept with the clip as it has become', async () => {
  const seen: Frames[] = [];
  const late = defineNode({
    ...about,
    type: 'late',
    inputs: clipPort,
    outputs: countPort,
    isOutput: true,
    cache: 'none',
    lane: 'cpu',
    run({ inputs: { frames } }) {
      seen.push(frames);
      return { count: '' };
    },
  });
  const engine = engineOf([maker(), small, late, watcher('watch')]);
  const shape = document({ make: ['make'], small: ['small'], late: ['late'], watch: ['watch'] }, [
    'make.frames -> small.frames',
    'small.frames -> late.frames',
    'small.frames -> watch.frames',
  ]);
  for (let run = 0; run < 2; run++) expect((await engine.run(shape)).status).toBe('succeeded');
  expect(seen).toHaveLength(2);
  for (const clip of seen)
    expect(clip).toMatchObject({ source: { kind: 'resized', clip: { source: { kind: 'stored' } } } });
});

test('E11 a clip that could not be kept after its last frame counts for nobody', async () => {
  const log = record();
  const files = createFakeFrameFiles();
  const full: FrameFiles = {
    ...files,
    async create() {
      const writer = await files.create();
      return {
        ...writer,
        async keep() {
          log.add('keeping');
          // Had the reader got to the end of the clip, it would be over by now.
          for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
          log.add('not kept');
          throw new Error('the disk is full');
        },
      };
    },
  };
  const watch = watcher('watch', {
    onFrame: (frame) => log.add(`saw ${frame}`),
    onEnd: () => log.add('over'),
  });
  const result = await engineOf([maker(), watch], { frameFiles: full }).run(direct);
  expect(result.story).toEqual(['started make', 'started watch', 'failed make', 'skipped watch']);
  expect(log.lines.slice(-2)).toEqual(['not kept', 'over']);
});

test('E11 a reader that fails alone fails alone', async () => {
  const log = record();
  const make = maker({
    async before(frame, signal) {
      if (frame === 3) await log.until('watch gave up', signal);
    },
  });
  const watch = watcher('watch', {
    onFrame(frame) {
      if (frame === 2) throw new Error('I have seen enough');
    },
    onEnd: () => log.add('watch gave up'),
  });
  const result = await engineOf([make, small, watch, watcher('other')]).run(workflow);
  expect([result.status, result.outputs.get('other')?.['count']?.text]).toEqual(['partial', allLevels]);
  expect(result.events.at(-1)).toMatchObject({
    failures: [{ nodeId: 'watch', message: expect.stringContaining('I have seen enough') }],
  });
  expect(result.story).toContain('finished make');
});

test('E11 a node between that cannot give its frames is the one that fails, while the clip is still made', async () => {
  const log = record();
  const make = maker({
    async before(frame, signal) {
      if (frame === 3) await log.until('watch over', signal);
    },
  });
  const files = createFakeFrameFiles();
  const media = {
    resizeImage: async () => {
      throw new Error('no room to resize');
    },
  };
  const watch = watcher('watch', { onEnd: () => log.add('watch over') });
  const engine = testEngine(registryOf(make, small, watch, watcher('other')), {
    frames: createFakeFrames(media, files, long),
  });
  const result = await engine.run(workflow);
  expect(result.status).toBe('partial');
  expect(result.events.at(-1)).toMatchObject({
    failures: [{ nodeId: 'small', message: 'no room to resize' }],
  });
  expect(result.story).toContain('skipped watch');
  expect(result.story.slice(-2)).toEqual(['finished make', 'finished other']);
});

test.each(['make', 'watch'])('E6 a cancel while %s is at work ends both, and leaves nothing', async (at) => {
  const log = record();
  const cancel = new AbortController();
  const files = createFakeFrameFiles();
  let closed = 0;
  const counted: FrameFiles = {
    ...files,
    async create() {
      const writer = await files.create();
      return {
        ...writer,
        close: async () => {
          closed += 1;
        },
      };
    },
  };
  const stop = (): void => void setImmediate(() => cancel.abort(new Error('stop')));
  const make = maker({
    async before(frame, signal) {
      if (frame === 2) await log.until('saw 1', signal);
      if (frame === 3 && at === 'make') stop();
      if (frame === 3) await log.until('never', signal);
    },
  });
  const watch = watcher('watch', {
    onFrame(frame) {
      log.add(`saw ${frame}`);
      if (frame === 2 && at === 'watch') stop();
    },
    onEnd: () => log.add('over'),
  });
  const engine = engineOf([make, small, watch, watcher('other')], { frameFiles: counted });
  const result = await engine.run(workflow, { signal: cancel.signal });
  expect(result.status).toBe('cancelled');
  expect(log.lines).toContain('over');
  expect([closed, files.kept.size]).toEqual([1, 0]);
  expect(result.story.filter((line) => !line.startsWith('started'))).toEqual([]);
});

//  make ──> watch        whole ──> plain
test('E2 who waits for frames takes no place of those whose inputs are whole', async () => {
  const log = record();
  const make = maker({
    async before(frame, signal) {
      // Were there one place for all, the plain node would never be over.
      if (frame === 2) await log.until('plain is over', signal);
    },
  });
  const plain = sumNode('plain', [], async (ctx) => {
    await log.until('watch began', ctx.signal);
    log.add('plain is over');
  });
  const watch = watcher('watch', { onFrame: () => log.add('watch began') });
  const both = document({ make: ['make'], watch: ['watch'], plain: ['plain', 1] }, [
    'make.frames -> watch.frames',
  ]);
  const result = await engineOf([make, watch, plain], { cpuLanes: 1 }).run(both, {
    targets: ['watch', 'plain'],
  });
  expect(result.status).toBe('succeeded');
  expect(
    result.events.find((event) => event.type === 'node.started' && event.nodeId === 'watch'),
  ).toMatchObject({
    lane: 'cpu',
  });
});

test('E11 who waits for a place when the clip comes to nothing does not begin', async () => {
  const log = record();
  const make = maker({
    async before(frame, signal) {
      if (frame < 2) return;
      await log.until('one saw 0', signal);
      throw new Error('no more ideas');
    },
  });
  const shape = document({ make: ['make'], watch: ['watch'], other: ['other'] }, [
    'make.frames -> watch.frames',
    'make.frames -> other.frames',
  ]);
  const nodes = ['watch', 'other'].map((type) => watcher(type, { onFrame: () => log.add('one saw 0') }));
  const result = await engineOf([make, ...nodes], { cpuLanes: 1 }).run(shape);
  expect(result.story.filter((line) => line.startsWith('started'))).toEqual([
    'started make',
    'started watch',
  ]);
  expect(result.story.filter((line) => line.startsWith('skipped')).sort()).toEqual([
    'skipped other',
    'skipped watch',
  ]);
});

test('C8 two runs that need the same at the same time compute it once, reader and all', async () => {
  const log = record();
  const make = maker({
    async before(frame, signal) {
      if (frame === 2) await log.until('both are at it', signal);
    },
  });
  let watched = 0;
  const watch = watcher('watch', {
    onFrame: (frame) => {
      if (frame === 0) watched += 1;
    },
  });
  const engine = engineOf([make, watch]);
  const first = engine.run(direct);
  const second = engine.run(direct, {
    onEvent: (event) => {
      if (event.type === 'node.waiting') log.add('both are at it');
    },
  });
  const [one, two] = await Promise.all([first, second]);
  expect([one.status, two.status, watched]).toEqual(['succeeded', 'succeeded', 1]);
  expect(two.story).toEqual(['waiting make', 'cached make', 'waiting watch', 'cached watch']);
});

test('E9 who waits for frames is not given up while they are made', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    let time = 0;
    const clock = { now: () => time, elapsed: () => time };
    const log = record();
    const make = {
      ...maker({
        async before(frame, signal) {
          if (frame === 1) await log.until('saw 0', signal);
        },
      }),
    };
    const alive: AnyNodeDefinition = {
      ...make,
      async run(args) {
        const frames: FrameService = {
          ...args.ctx.frames,
          keep: (clip, chunks, signal, onGrowing) =>
            args.ctx.frames.keep(
              clip,
              (async function* () {
                for await (const chunk of chunks) {
                  yield chunk;
                  for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate);
                  time += 40_000;
                  args.ctx.progress({ step: 1, totalSteps: 9 });
                  vi.advanceTimersByTime(40_000);
                }
              })(),
              signal,
              onGrowing,
            ),
        };
        return make.run({ ...args, ctx: Object.create(args.ctx, { frames: { value: frames } }) });
      },
    };
    const watch = watcher('watch', {
      onFrame: (frame) => log.add(`saw ${frame}`),
      // Nor at once when they are: from then on it has its own time.
      onEnd: () => vi.advanceTimersByTime(10_000),
    });
    const result = await engineOf([alive, watch], { clock, stallMs: 60_000 }).run(direct);
    expect([result.status, time]).toEqual(['succeeded', 240_000]);
  } finally {
    vi.useRealTimers();
  }
});

test('E9 a reader that does not listen when its clip comes to nothing is given up, and told so once', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  try {
    let time = 0;
    const clock = { now: () => time, elapsed: () => time };
    const log = record();
    const make = maker({
      async before(frame, signal) {
        if (frame < 2) return;
        await log.until('saw 0', signal);
        throw new Error('no more ideas');
      },
    });
    const deaf = watcher('watch', {
      async onFrame(frame) {
        log.add(`saw ${frame}`);
        await new Promise(() => undefined);
      },
    });
    const engine = engineOf([make, deaf], { clock, stallMs: 60_000 });
    const running = engine.run(direct, {
      onEvent(event) {
        if (event.type !== 'node.skipped') return;
        setImmediate(() => {
          time += 120_000;
          vi.advanceTimersByTime(120_000);
        });
      },
    });
    const result = await running;
    expect(result.story).toEqual(['started make', 'started watch', 'failed make', 'skipped watch']);
    expect(engine.hasStuckNodes()).toBe(true);
  } finally {
    vi.useRealTimers();
  }
});

test('E5 what is handed out must fit its port, and be whole when the node is', async () => {
  const odd = (frames: Frames | string) =>
    defineNode({
      ...maker(),
      async run({ ctx }) {
        ctx.handOut({ frames });
        await new Promise(setImmediate);
        return { frames: { pixels: full([1, 3, 1, 4, 8], 0), fps: 8 } };
      },
    });
  const growing: Frames = {
    ...size,
    source: {
      kind: 'growing',
      clip: {
        whole: undefined,
        async *read() {
          yield* [];
        },
        settle: () => undefined,
      },
    },
  };
  for (const [given, code] of [
    ['no clip', 'engine/bad-output'],
    [growing, 'engine/node-crashed'],
  ] as const) {
    const result = await engineOf([odd(given), watcher('watch', { isPatient: true })]).run(direct);
    expect(result.events.at(-1)).toMatchObject({ failures: [{ nodeId: 'make', code }] });
  }
});

test('E11 what is handed out a second time is refused, and nobody waits for it', async () => {
  const twice = defineNode({
    ...maker(),
    async run(request) {
      const { ctx } = request;
      const handOut: typeof ctx.handOut = (outputs) => {
        ctx.handOut(outputs);
        ctx.handOut({ frames: { pixels: full([1, 3, 1, 4, 8], 0), fps: 8 } });
      };
      // Whatever the node makes of the refusal.
      const quiet: typeof ctx.handOut = (outputs) => {
        try {
          handOut(outputs);
        } catch (error) {
          refusals.push(error instanceof Error ? error.message : String(error));
        }
      };
      const { frames } = ctx;
      async function* chunks() {
        for (let frame = 0; frame < size.frameCount; frame++)
          yield full([1, 3, 1, size.heightPx, size.widthPx], frame / 10);
      }
      return { frames: await frames.keep(size, chunks(), ctx.signal, (clip) => quiet({ frames: clip })) };
    },
  });
  const refusals: string[] = [];
  const result = await engineOf([twice, watcher('watch')]).run(direct, { signal: AbortSignal.timeout(5000) });
  expect(result.outputs.get('watch')?.['count']?.text).toBe(allLevels);
  expect(refusals).toEqual(['Node "make" (Clip) has handed out outputs before; it may do so once.']);
});

test('E11 what is handed out may be made of a growing clip; its readers hear how that ended', async () => {
  const widened = (frames: Frames): Frames => ({
    ...{ ...size, widthPx: 16 },
    source: { kind: 'resized', clip: frames, fit: 'stretch' },
  });
  const wide = (breaks: boolean) =>
    defineNode({
      ...maker(),
      async run({ ctx }) {
        async function* chunks() {
          for (let frame = 0; frame < size.frameCount; frame++) {
            await new Promise(setImmediate);
            if (breaks && frame === 3) throw new Error('no more ideas');
            yield full([1, 3, 1, size.heightPx, size.widthPx], frame / 10);
          }
        }
        const clip = await ctx.frames.keep(size, chunks(), ctx.signal, (growing) =>
          ctx.handOut({ frames: widened(growing) }),
        );
        return { frames: widened(clip) };
      },
    });
  const signal = AbortSignal.timeout(5000);
  const well = await engineOf([wide(false), watcher('watch')]).run(direct, { signal });
  expect(well.outputs.get('watch')?.['count']?.text).toBe(allLevels);
  const badly = await engineOf([wide(true), watcher('watch')]).run(direct, { signal });
  expect(badly.story).toEqual(['started make', 'started watch', 'failed make', 'skipped watch']);
});

test('E11 who hands on what it was handed out has no say in how that ends', async () => {
  const log = record();
  const make = maker({
    async before(frame, signal) {
      if (frame === 2) await log.until('through over', signal);
    },
  });
  const through = defineNode({
    ...small,
    type: 'small',
    async run({ inputs, ctx }) {
      ctx.handOut({ frames: inputs.frames });
      await new Promise(setImmediate);
      log.add('through over');
      throw new Error('not mine');
    },
  });
  const result = await engineOf([make, through, watcher('watch'), watcher('other')]).run(workflow, {
    signal: AbortSignal.timeout(5000),
  });
  expect(result.outputs.get('other')?.['count']?.text).toBe(allLevels);
  expect(result.story).toContain('failed small');
  expect(result.story).toContain('skipped watch');
});

test('E11 a reader that hands out a clip of its own has to make it whole', async () => {
  const half = defineNode({
    ...small,
    type: 'small',
    async run({ ctx }) {
      async function* chunks() {
        yield full([1, 3, 1, size.heightPx, size.widthPx], 0);
        await new Promise(setImmediate);
        throw new Error('no more ideas');
      }
      await ctx.frames
        .keep(size, chunks(), ctx.signal, (clip) => ctx.handOut({ frames: clip }))
        .catch(() => undefined);
      return { frames: { pixels: full([1, 3, 1, size.heightPx, size.widthPx], 0), fps: 8 } };
    },
  });
  const make = maker({ before: () => new Promise((goOn) => setTimeout(goOn, 5)) });
  const result = await engineOf([make, half, watcher('watch'), watcher('other')]).run(workflow, {
    signal: AbortSignal.timeout(5000),
  });
  expect(result.outputs.get('other')?.['count']?.text).toBe(allLevels);
  expect(result.story).toContain('failed small');
  expect(result.story).toContain('skipped watch');
});

test('E11 what a reader gives that does not listen when its clip came to nothing does not count', async () => {
  const log = record();
  const make = maker({
    async before(frame, signal) {
      if (frame < 2) return;
      await log.until('saw one', signal);
      throw new Error('no more ideas');
    },
  });
  const deaf = defineNode({
    ...watcher('watch'),
    async run({ inputs, ctx }) {
      const { signal } = new AbortController();
      for await (const { frameCount } of ctx.frames.read(inputs['frames'] as Frames, signal)) {
        expect(frameCount).toBe(1);
        break;
      }
      log.add('saw one');
      await log.until('skipped', signal);
      return { count: '1' };
    },
  });
  const result = await engineOf([make, deaf]).run(direct, {
    onEvent: ({ type }) => type === 'node.skipped' && log.add('skipped'),
  });
  expect(result.story).toEqual(['started make', 'started watch', 'failed make', 'skipped watch']);
});

test('E11 a reader is told to stop when its clip has come to nothing, also while it does something else', async () => {
  const log = record();
  const make = maker({
    async before(frame, signal) {
      if (frame < 2) return;
      await log.until('at something else', signal);
      throw new Error('no more ideas');
    },
  });
  const elsewhere = defineNode({
    ...watcher('watch'),
    run: ({ ctx }) => {
      log.add('at something else');
      return new Promise((_, reject) => {
        ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason), { once: true });
      });
    },
  });
  const result = await engineOf([make, elsewhere]).run(direct, { signal: AbortSignal.timeout(5000) });
  expect(result.status).toBe('failed');
  expect(result.story).toEqual(['started make', 'started watch', 'failed make', 'skipped watch']);
});

test('E11 who cannot read what is still being written fails alone', async () => {
  const files = createFakeFrameFiles();
  const unreadable: FrameFiles = {
    ...files,
    async create() {
      const writer = await files.create();
      return { ...writer, read: () => Promise.reject(new Error('cannot be read yet')) };
    },
  };
  const make = maker({ before: () => new Promise((goOn) => setImmediate(goOn)) });
  const nodes = [make, watcher('watch'), watcher('other', { isPatient: true })];
  const shape = document({ make: ['make'], watch: ['watch'], other: ['other'] }, [
    'make.frames -> watch.frames',
    'make.frames -> other.frames',
  ]);
  const result = await engineOf(nodes, { frameFiles: unreadable }).run(shape);
  expect(result.events.at(-1)).toMatchObject({
    failures: [{ nodeId: 'watch', message: expect.stringContaining('cannot be read yet') }],
  });
  expect(result.outputs.get('other')?.['count']?.text).toBe(allLevels);
});

test('E11 forecasts learn of a reader what came after its clip was whole', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelgraph-growing-'));
  try {
    let time = 0;
    const log = record();
    const make = maker({
      async before(frame, signal) {
        if (frame === 1) await log.until('saw 0', signal);
        time += 1000;
      },
    });
    const watch = watcher('watch', {
      onFrame: (frame) => log.add(`saw ${frame}`),
      onEnd: () => {
        time += 30;
      },
    });
    const store = await openStore(folder);
    const clock = { now: () => time, elapsed: () => time };
    const result = await engineOf([make, watch], { store, clock }).run(direct);
    expect(
      result.events.find((event) => event.type === 'node.finished' && event.nodeId === 'watch'),
    ).toMatchObject({ durationMs: 5030 });
    const taught = [...parseCosts(readCostsText(store)).kinds].flatMap(([kind, samples]) =>
      kind.includes('watch') ? samples.map(({ durationMs }) => durationMs) : [],
    );
    expect(taught).toEqual([30]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
