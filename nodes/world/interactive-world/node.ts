import {
  defineNode,
  type ModelRef,
  type ModelService,
  NodeError,
  parseActionLog,
  type WorldFrame,
} from '@reelgraph/node-api';
import { concatAxis, fromFunction, type Tensor } from '@reelgraph/tensor';
import { randomBoard, renderBoard, tileActions, tileSidePx } from '@reelgraph/toybox';
import { framesFacts } from '../../video/frames-facts.ts';

interface Level {
  readonly seed: string;
  readonly columns: number;
  readonly rows: number;
}

/** The first frame of a level: the only one that is drawn and not made by the model. */
function firstFrame({ seed, columns, rows }: Level): Tensor<'float32'> {
  // A board has a 32-bit seed, a param one of 64 bits.
  const bytes = renderBoard(randomBoard(Number(BigInt(seed) % 2n ** 32n), { rows, columns }));
  const width = columns * tileSidePx;
  const height = rows * tileSidePx;
  const plane = width * height;
  return fromFunction([1, 3, 1, height, width], (i) => {
    const channel = Math.floor(i / plane);
    return bytes[(i % plane) * 3 + channel]! / 127.5 - 1;
  });
}

/** Plays a level: the one way to its frames, for a run and for a person at the keys. */
async function enter(models: ModelService, model: ModelRef, level: Level, signal: AbortSignal) {
  let now: WorldFrame = await models.openWorld(model, firstFrame(level), signal);
  return {
    first: now.pixels,
    async step(action: string): Promise<Tensor<'float32'>> {
      now = await models.stepWorld(model, now.state, action, signal);
      return now.pixels;
    },
  };
}

/** The words of a log that name actions, as many as a log may have; one that does nothing where there is none. */
function readableActions(log: string, actions: readonly string[]): string {
  let kept = '';
  for (const word of log.split(/\s+/)) {
    const longer = kept === '' ? word : `${kept} ${word}`;
    if (word !== '' && parseActionLog(longer, actions).ok) kept = longer;
  }
  return kept === '' ? (actions[0] ?? 'none') : kept;
}

/** Frames of a preview while the node runs: two seconds. */
const previewFrames = 16;

/** A world that is dreamt by a model, one frame for each action. */
export const interactiveWorld = defineNode({
  type: 'interactive-world',
  version: 1,
  title: 'Interactive world',
  description:
    'A small world of tiles that the model makes frame by frame as you play: walk with the arrow keys, put and break crates with the space bar. What you did is kept as text and makes the same frames again when the workflow runs.',
  category: 'World',
  synonyms: ['game', 'play', 'world model', 'action', 'keyboard', 'rollout'],
  inputs: {},
  outputs: {
    frames: {
      type: 'frames',
      label: 'Frames',
      description: 'The first picture of the level, then one for each action.',
    },
    actions: { type: 'actions', label: 'Actions', description: 'What was done, one word for each frame.' },
  },
  params: {
    actions: {
      kind: 'text',
      label: 'Actions',
      description:
        'One word for each frame: left, right, up, down, act or none, with *3 behind it for three in a row. Play writes it.',
      default: 'right*2 act none down*2 act up left*2',
      multiline: true,
      maxLength: 16_000,
      placeholder: 'Press Play, or write: right*3 act none*2',
    },
    seed: { kind: 'seed', label: 'Level', description: 'Every number is another level.', default: '1' },
    model: {
      kind: 'model',
      label: 'Model',
      description: 'A model with a world to play in. Toybox comes with Reelgraph.',
      default: 'toybox',
    },
    columns: {
      kind: 'integer',
      label: 'Columns',
      description: 'Tiles from left to right, 8 pixels each. Toybox has learnt on boards of 4 to 8.',
      default: 8,
      min: 4,
      max: 16,
      unit: 'tiles',
    },
    rows: {
      kind: 'integer',
      label: 'Rows',
      description: 'Tiles from top to bottom, 8 pixels each. Toybox has learnt on boards of 4 to 8.',
      default: 8,
      min: 4,
      max: 16,
      unit: 'tiles',
    },
  },
  preview: 'progress',
  cache: 'disk',
  lane: 'inference',
  live: {
    log: 'actions',
    idle: 'none',
    keys: {
      ArrowLeft: 'left',
      ArrowRight: 'right',
      ArrowUp: 'up',
      ArrowDown: 'down',
      ' ': 'act',
    },
    // Held down it would put a crate and break it in turn.
    once: ['act'],
    hint: 'Arrows walk, space acts',
    fps: 8,
    async open({ params, ctx }) {
      const model = await ctx.models.resolve(params.model, ctx.signal);
      return enter(ctx.models, model, params, ctx.signal);
    },
  },
  infer({ params, context }) {
    const world = context.models.get(params.model)?.world;
    const parsed = parseActionLog(params.actions, world?.actions ?? tileActions);
    const issues = [];
    if (!parsed.ok) {
      issues.push({
        code: 'interactive-world/actions',
        severity: 'error',
        message: parsed.message,
        param: 'actions',
        fix: {
          label: 'Keep what can be read',
          param: 'actions',
          value: readableActions(params.actions, world?.actions ?? tileActions),
        },
      } as const);
    }
    const refused = context.refusedModels?.get(params.model);
    const damaged = context.damagedModels?.get(params.model);
    if (world === undefined) {
      const able = [...context.models].find(([, facts]) => facts.world !== undefined)?.[0];
      issues.push({
        code:
          refused !== undefined
            ? 'model/licence'
            : damaged === undefined
              ? 'model/no-world'
              : 'model/damaged',
        severity: 'error',
        message:
          refused ?? damaged ?? `No model named "${params.model}" with a world to play in is installed.`,
        param: 'model',
        ...(able === undefined
          ? {}
          : { fix: { label: `Use ${able}`, param: 'model', value: able, isChoice: true } }),
      } as const);
    }
    const size = { widthPx: params.columns * tileSidePx, heightPx: params.rows * tileSidePx };
    const count = parsed.ok ? { frameCount: parsed.actions.length + 1 } : {};
    return {
      outputs: { frames: framesFacts({ ...size, ...count, fps: world?.fps ?? 8 }), actions: {} },
      issues,
    };
  },
  async run({ params, ctx }) {
    const model = await ctx.models.resolve(params.model, ctx.signal);
    const { world } = ctx.models.facts(model);
    const parsed = parseActionLog(params.actions, world?.actions ?? tileActions);
    if (!parsed.ok) throw new NodeError('interactive-world/actions', parsed.message);
    const { actions } = parsed;
    const fps = world?.fps ?? 8;
    const play = await enter(ctx.models, model, params, ctx.signal);
    const frames = [play.first];
    for (const [i, action] of actions.entries()) {
      ctx.signal.throwIfAborted();
      frames.push(await play.step(action));
      if (i % previewFrames === previewFrames - 1) {
        const latest = frames.slice(-previewFrames);
        ctx.preview(() => ({ pixels: concatAxis(latest, 2), fps }));
      }
      ctx.progress({
        step: i + 1,
        totalSteps: actions.length,
        message: `Frame ${i + 1} of ${actions.length}`,
      });
    }
    return { frames: { pixels: concatAxis(frames, 2), fps }, actions: [...actions] };
  },
});
