import { fitsFrameRule, nearestFrameCount } from '@reelgraph/diffusion';
import { defineNode, type Frames, type InferIssue, NodeError } from '@reelgraph/node-api';
import { tensor } from '@reelgraph/tensor';
import {
  backgroundNames,
  type Clip,
  captionOf,
  colourNames,
  exists,
  frameCountRange,
  framesPerSecond,
  motions,
  randomScene,
  renderScene,
  type Scene,
  sceneKinds,
  shapes,
  sizes,
  styles,
} from '@reelgraph/toybox';

/** What of its shape each kind of scene leaves to the params; the other kinds choose all by the seed. */
const open = {
  single: ['shape', 'colour', 'size', 'motion'],
  events: ['shape', 'colour', 'size'],
  wall: ['shape', 'colour'],
  bite: ['colour', 'size'],
  paint: ['shape', 'colour', 'size'],
} as const satisfies Partial<Record<Scene['kind'], readonly ('shape' | 'colour' | 'size' | 'motion')[]>>;

const kindLabels: Readonly<Record<Scene['kind'], string>> = {
  single: 'One shape',
  pair: 'Two shapes',
  trio: 'Three shapes',
  events: 'Two events in order',
  wall: 'Behind a wall',
  bite: 'A bite out of a disc',
  paint: 'A painted line',
  collide: 'A collision',
  camera: 'A camera that moves',
  box: 'A camera around a box',
};

const clipRule = { multiple: 4, plus: 1 };

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
const choices = (names: readonly string[]) => [
  { value: 'any', label: 'Any' },
  ...names.map((name) => ({ value: name, label: capitalised(name) })),
];
const chosen = <T extends string>(names: readonly T[], value: string): T | undefined =>
  names.find((name) => name === value);

interface SceneParams {
  readonly kind: string;
  readonly seed: string;
  readonly shape: string;
  readonly colour: string;
  readonly size: string;
  readonly motion: string;
  readonly background: string;
  readonly style: string;
  readonly frames: number;
}

/** Choices that go with no scene, and choices that the kind of scene passes over. */
function sceneIssues(params: SceneParams): InferIssue[] {
  const issues: InferIssue[] = [];
  if (!fitsFrameRule(params.frames, clipRule)) {
    const nearest = nearestFrameCount(params.frames, clipRule);
    issues.push({
      code: 'scene/frame-count',
      severity: 'error',
      message: `Scenes have 5, 9, 13 … frames, not ${params.frames}.`,
      param: 'frames',
      fix: { label: `Use ${nearest} frames`, param: 'frames', value: nearest },
    });
  }
  const kind = chosen(sceneKinds, params.kind);
  const isOpen = new Map<string, readonly string[]>(Object.entries(open)).get(kind ?? '') ?? [];
  for (const name of ['shape', 'colour', 'size', 'motion'] as const) {
    if (params[name] === 'any' || isOpen.includes(name)) continue;
    issues.push({
      code: 'scene/not-used',
      severity: 'warning',
      message: `The ${name} is left to the seed in this kind of scene.`,
      param: name,
      fix: { label: 'Use any', param: name, value: 'any' },
    });
  }
  const shape = chosen(shapes, params.shape);
  const motion = chosen(motions, params.motion);
  if (kind === 'single' && shape !== undefined && motion !== undefined && !exists(shape, motion)) {
    issues.push({
      code: 'scene/unseen-turn',
      severity: 'error',
      message: `A ${shape} looks the same however it is turned, so nobody could see that it ${motion}.`,
      param: 'motion',
      fix: { label: 'Use any motion', param: 'motion', value: 'any' },
    });
  }
  return issues;
}

/** RGB bytes [T, H, W, 3] -> pixels [1, 3, T, H, W] in [-1, 1]. */
function framesOf({ frames, frameCount, width, height }: Clip): Frames {
  const plane = frameCount * height * width;
  const data = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) {
    for (let channel = 0; channel < 3; channel++) {
      data[channel * plane + i] = frames[i * 3 + channel]! / 127.5 - 1;
    }
  }
  return { pixels: tensor('float32', [1, 3, frameCount, height, width], data), fps: framesPerSecond };
}

/** Draws a clip whose truth is known, with the prompt that says it. */
export const groundTruthScene = defineNode({
  type: 'ground-truth-scene',
  version: 1,
  title: 'Ground-truth scene',
  description:
    'Draws a clip of the world Toybox was trained on, and says it in a prompt: what a perfect model would make.',
  category: 'Video',
  synonyms: ['toybox world', 'test clip', 'reference', 'true render', 'shapes', 'synthetic'],
  inputs: {},
  outputs: {
    prompt: { type: 'text', label: 'Prompt', description: 'The sentence that says all of the scene.' },
    frames: { type: 'frames', label: 'Frames', description: 'The scene as it truly looks.' },
    scene: {
      type: 'scene',
      label: 'Truth',
      description: 'Everything that is so in the scene, for a score to compare a clip with.',
    },
  },
  params: {
    kind: {
      kind: 'choice',
      label: 'Kind',
      description: 'What the scene is about.',
      default: 'single',
      options: [
        { value: 'any', label: 'Any' },
        ...sceneKinds.map((kind) => ({ value: kind, label: kindLabels[kind] })),
      ],
    },
    seed: {
      kind: 'seed',
      label: 'Seed',
      description: 'Chooses all that is left open; the same number gives the same scene.',
      default: '1',
    },
    shape: {
      kind: 'choice',
      label: 'Shape',
      description: 'Outline of the shape.',
      default: 'any',
      options: choices(shapes),
    },
    colour: {
      kind: 'choice',
      label: 'Colour',
      description: 'Colour of the shape.',
      default: 'any',
      options: choices(colourNames),
    },
    size: {
      kind: 'choice',
      label: 'Size',
      description: 'How large the shape is; one that grows or shrinks has no size of its own.',
      default: 'any',
      options: choices(sizes),
    },
    motion: {
      kind: 'choice',
      label: 'Motion',
      description: 'What one shape does.',
      default: 'any',
      options: choices(motions),
    },
    background: {
      kind: 'choice',
      label: 'Background',
      description: 'What lies behind; a box stands on a plain one.',
      default: 'any',
      options: choices(backgroundNames),
    },
    style: {
      kind: 'choice',
      label: 'Style',
      description: 'How everything is drawn.',
      default: 'any',
      options: choices(styles),
    },
    frames: {
      kind: 'integer',
      label: 'Frames',
      description: 'Number of pictures in the clip, 8 for a second: 5, 9, 13 and so on.',
      default: 17,
      min: frameCountRange.least,
      max: frameCountRange.most,
      step: 4,
    },
    width: {
      kind: 'integer',
      label: 'Width',
      description: 'Width of the picture.',
      default: 64,
      min: 16,
      max: 512,
      step: 16,
      unit: 'px',
    },
    height: {
      kind: 'integer',
      label: 'Height',
      description: 'Height of the picture.',
      default: 64,
      min: 16,
      max: 512,
      step: 16,
      unit: 'px',
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer({ params }) {
    const { frames: frameCount, width: widthPx, height: heightPx } = params;
    const durationSeconds = frameCount / framesPerSecond;
    return {
      outputs: {
        prompt: {},
        scene: {},
        frames: { frameCount, widthPx, heightPx, fps: framesPerSecond, durationSeconds },
      },
      issues: sceneIssues(params),
    };
  },
  run({ params }) {
    const fault = sceneIssues(params).find((issue) => issue.severity === 'error');
    if (fault !== undefined) {
      throw new NodeError(
        fault.code,
        fault.message,
        fault.fix === undefined ? {} : { hint: `${fault.fix.label}.` },
      );
    }
    // The world has 2^32 scenes of a kind; a longer seed chooses by its low bits.
    const seed = Number(BigInt.asUintN(32, BigInt(params.seed)));
    const drawn = randomScene(seed, {
      frameCount: params.frames,
      kind: chosen(sceneKinds, params.kind),
      fixed: {
        shape: chosen(shapes, params.shape),
        colour: chosen(colourNames, params.colour),
        size: chosen(sizes, params.size),
        motion: chosen(motions, params.motion),
        background: chosen(backgroundNames, params.background),
      },
    });
    const scene: Scene = { ...drawn, style: chosen(styles, params.style) ?? drawn.style };
    const clip = renderScene(scene, { width: params.width, height: params.height });
    return { prompt: captionOf(scene), frames: framesOf(clip), scene };
  },
});
