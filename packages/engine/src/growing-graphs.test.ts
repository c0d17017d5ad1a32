/** Graphs of clips drawn at random, read while they are made, some of which fail or are cancelled, held against plain lists. */
import type { Workflow } from '@reelgraph/graph';
import {
  type AnyNodeDefinition,
  defineNode,
  type FrameFiles,
  type Frames,
  type RunContext,
  sizeOfClip,
} from '@reelgraph/node-api';
import { createFakeFrameFiles, createFakeFrames } from '@reelgraph/node-api/testing';
import { sliceAxis, type Tensor, tensor } from '@reelgraph/tensor';
import { expect, test } from 'vitest';
import { document, registryOf, testEngine } from './example-nodes.ts';

const clip = { type: 'frames', label: 'Frames', description: '' } as const;
const about = {
  version: 1,
  title: 'Clip',
  description: '',
  category: 'Test',
  params: {
    term: { kind: 'integer', label: 'Term', description: '', default: 0, min: 0, max: 99 },
  },
} as const;
const fps = 8;
const frameCount = 5;

/** Numbers from a seed (Lehmer), so that a failing round can be repeated. */
function randomFrom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state * 48271) % 2147483647;
    return state % limit;
  };
}

const oneFrame = (level: number): Tensor<'float32'> =>
  tensor('float32', [1, 3, 1, 1, 1], Float32Array.of(level, level, level));
const levelsOf = async (frames: Frames, ctx: RunContext, onFrame?: (frame: number) => Promise<void>) => {
  const levels: number[] = [];
  for await (const { pixels, frameCount: count } of ctx.frames.read(frames, ctx.signal)) {
    for (let i = 0; i < count; i++) levels.push(pixels.data[i] ?? Number.NaN);
    await onFrame?.(levels.length);
  }
  return levels;
};

/** @param pause some turns of the event loop, as many as it likes */
function clipNodes(pause: () => Promise<void>): AnyNodeDefinition[] {
  const make = (type: string, lane: 'inference' | 'cpu', breaksAt: number) =>
    defineNode({
      ...about,
      type,
      inputs: {},
      outputs: { frames: clip },
      cache: 'memory',
      lane,
      async run({ params, ctx }) {
        async function* chunks() {
          for (let frame = 0; frame < frameCount; frame++) {
            await pause();
            ctx.signal.throwIfAborted();
            if (frame === breaksAt) throw new Error('no more ideas');
            yield oneFrame(10 * params.term + frame);
          }
        }
        const size = { frameCount, widthPx: 1, heightPx: 1, fps };
        return {
          frames: await ctx.frames.keep(size, chunks(), ctx.signal, (frames) => ctx.handOut({ frames })),
        };
      },
    });
  const copy = defineNode({
    ...about,
    type: 'copy',
    inputs: { a: clip },
    outputs: { frames: clip },
    cache: 'memory',
    lane: 'cpu',
    growing: ['a'],
    async run({ inputs: { a }, ctx }) {
      async function* chunks() {
        for await (const { pixels, frameCount: count } of ctx.frames.read(a, ctx.signal)) {
          await pause();
          for (let frame = 0; frame < count; frame++) yield sliceAxis(pixels, 2, frame, frame + 1);
        }
      }
      const size = { ...sizeOfClip(a), fps };
      return {
        frames: await ctx.frames.keep(size, chunks(), ctx.signal, (frames) => ctx.handOut({ frames })),
      };
    },
  });
  const back = defineNode({
    ...about,
    type: 'back',
    inputs: { a: clip },
    outputs: { frames: clip },
    cache: 'memory',
    lane: 'cpu',
    growing: ['a'],
    async run({ inputs: { a }, ctx }) {
      const source = { kind: 'reversed', clip: a } as const;
      return { frames: await ctx.frames.make({ ...sizeOfClip(a), fps, source }, ctx.signal) };
    },
  });
  const pair = defineNode({
    ...about,
    type: 'pair',
    inputs: { a: clip, b: clip },
    outputs: { frames: clip },
    cache: 'memory',
    lane: 'cpu',
    // The second is waited for.
    growing: ['a'],
    async run({ inputs: { a, b }, ctx }) {
      const source = { kind: 'joined', first: a, second: b, crossfade: 0 } as const;
      const count = sizeOfClip(a).frameCount + sizeOfClip(b).frameCount;
      const size = { ...sizeOfClip(a), frameCount: count, fps };
      return { frames: await ctx.frames.make({ ...size, source }, ctx.signal) };
    },
  });
  const watch = (type: string, isPatient: boolean, givesUpAt: number) =>
    defineNode({
      ...about,
      type,
      inputs: { a: clip },
      outputs: { levels: { type: 'text', label: 'Levels', description: '' } },
      cache: 'memory',
      lane: 'cpu',
      ...(isPatient ? {} : { growing: ['a'] as const }),
      async run({ inputs: { a }, ctx }) {
        const levels = await levelsOf(a, ctx, async (seen) => {
          await pause();
          if (seen >= givesUpAt) throw new Error('seen enough');
        });
        return { levels: levels.join(' ') };
      },
    });
  const never = Number.POSITIVE_INFINITY;
  return [
    ...[make('make', 'inference', never), make('draw', 'cpu', never), make('breaks', 'inference', 3)],
    ...[copy, back, pair],
    ...[watch('watch', false, never), watch('patient', true, never), watch('quits', false, 2)],
  ];
}

/** Up to seven clips, each made of earlier ones, and up to five that look at them. */
function randomClips(next: (limit: number) => number): { workflow: Workflow; targets: string[] } {
  const nodes: Record<string, readonly [string, number]> = {};
  const edges: string[] = [];
  const makers = ['make', 'make', 'make', 'draw', 'breaks'];
  const middles = ['copy', 'back', 'pair', 'copy'];
  const count = 1 + next(7);
  for (let index = 0; index < count; index++) {
    const isMaker = index === 0 || next(3) === 0;
    const types = isMaker ? makers : middles;
    const type = types[next(types.length)] ?? 'make';
    nodes[`n${index}`] = [type, next(4)];
    for (const port of isMaker ? [] : type === 'pair' ? ['a', 'b'] : ['a'])
      edges.push(`n${next(index)}.frames -> n${index}.${port}`);
  }
  const targets: string[] = [];
  const watchers = ['watch', 'watch', 'patient', 'quits'];
  for (let index = 0; index <= next(5); index++) {
    nodes[`w${index}`] = [watchers[next(watchers.length)] ?? 'watch', next(3)];
    edges.push(`n${next(count)}.frames -> w${index}.a`);
    targets.push(`w${index}`);
  }
  return { workflow: document(nodes, edges), targets };
}

/** The levels that each node has, or undefined where it or something it needs fails. */
function expected({ nodes, edges }: Workflow): Map<string, readonly number[] | undefined> {
  const values = new Map<string, readonly number[] | undefined>();
  for (const [id, { type, params }] of Object.entries(nodes)) {
    const [a, b] = ['a', 'b'].map((port) => {
      const edge = edges.find(({ to }) => to[0] === id && to[1] === port);
      return edge === undefined ? undefined : values.get(edge.from[0]);
    });
    const made = Array.from({ length: frameCount }, (_, frame) => 10 * Number(params['term']) + frame);
    const levels =
      type === 'make' || type === 'draw'
        ? made
        : type === 'back'
          ? a?.toReversed()
          : type === 'pair'
            ? a && b && [...a, ...b]
            : type === 'breaks' || type === 'quits'
              ? undefined
              : a;
    values.set(id, levels);
  }
  return values;
}

test('E11 whatever is read while it is made, every target is right, every node has one end, and no file stays open', async () => {
  let beganEarly = 0;
  let cancelled = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const next = randomFrom(seed);
    const { workflow, targets } = randomClips(next);
    const files = createFakeFrameFiles();
    let open = 0;
    const counted: FrameFiles = {
      ...files,
      async create() {
        const writer = await files.create();
        open += 1;
        return {
          ...writer,
          async close() {
            open -= 1;
          },
        };
      },
    };
    const pause = async () => {
      for (let turns = next(4); turns > 0; turns--) await new Promise(setImmediate);
    };
    // A frame has 12 bytes: clips are long, or those of one maker are short and what is made of two is not.
    const limits = { shortBytes: next(2) === 0 ? 12 : 70, chunkBytes: 24, reversedBytes: 24 };
    const engine = testEngine(registryOf(...clipNodes(pause)), {
      frames: createFakeFrames(undefined, counted, limits),
      cpuLanes: 1 + next(2),
    });
    const values = expected(workflow);
    const right = targets.map((id) => values.get(id)?.join(' '));

    if (next(3) === 0) {
      const cancel = new AbortController();
      let left = next(14);
      const { status, story } = await engine.run(workflow, {
        targets,
        signal: cancel.signal,
        onEvent: () => {
          left -= 1;
          if (left === 0) cancel.abort(new Error('stop'));
        },
      });
      if (status === 'cancelled') cancelled += 1;
      expect({ seed, open, story: story.filter((line) => /undefined/.test(line)) }).toEqual({
        seed,
        open: 0,
        story: [],
      });
    }
    for (const turn of ['first', 'again']) {
      const result = await engine.run(workflow, { targets });
      const shown = targets.map((id) => result.outputs.get(id)?.['levels']?.text);
      expect({ seed, turn, open, shown }).toEqual({ seed, turn, open: 0, shown: right });
      const ends = result.story.filter((line) => !/^(started|progress)/.test(line));
      const started = result.events.find((event) => event.type === 'run.started');
      const ids = started?.type === 'run.started' ? started.nodeIds : [];
      expect({ seed, turn, ends: ends.map((line) => line.split(' ')[1]).sort() }).toEqual({
        seed,
        turn,
        ends: [...ids].sort(),
      });
      beganEarly += earlyBeginnings(workflow, result.story);
    }
  }
  // Else nothing of this was tried.
  expect(beganEarly).toBeGreaterThan(200);
  expect(cancelled).toBeGreaterThan(20);
}, 60_000);

/** Nodes that began before one of those that they read was over. */
function earlyBeginnings({ edges }: Workflow, story: readonly string[]): number {
  return edges.filter(({ from, to }) => {
    const began = story.indexOf(`started ${to[0]}`);
    const ended = story.indexOf(`finished ${from[0]}`);
    return began >= 0 && ended > began;
  }).length;
}
