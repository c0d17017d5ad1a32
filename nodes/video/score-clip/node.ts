import { defineNode, type InferIssue, NodeError, type ScoreTable } from '@reelgraph/node-api';
import type { Tensor } from '@reelgraph/tensor';
import { type Clip, type ClipScore, ScorerError, sceneSchema, scoreClip as scoreOf } from '@reelgraph/toybox';

/** pixels [1, 3, T, H, W] in [-1, 1] -> RGB bytes [T, H, W, 3]. */
function clipOf(pixels: Tensor<'float32'>): Clip {
  const [, , frameCount = 0, height = 0, width = 0] = pixels.shape;
  const plane = frameCount * height * width;
  const frames = new Uint8Array(plane * 3);
  for (let channel = 0; channel < 3; channel++) {
    for (let i = 0; i < plane; i++) {
      const value = Math.round(((pixels.data[channel * plane + i] ?? 0) + 1) * 127.5);
      frames[i * 3 + channel] = Math.max(0, Math.min(255, value));
    }
  }
  return { frames, frameCount, height, width };
}

const names: Readonly<Record<ClipScore['attributes'][number]['name'], string>> = {
  count: 'How many',
  colour: 'Colour',
  shape: 'Shape',
  size: 'Size',
  motion: 'Motion',
  background: 'Background',
  style: 'Style',
  camera: 'Camera',
  relation: 'Who is where',
  order: 'Order of events',
  wall: 'Wall',
  change: 'Lasting change',
  all: 'Everything',
};

const capitalised = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Three digits say enough of a measure. */
const shown = (value: number, unit: string) => `${Number(value.toPrecision(3))} ${unit}`.trim();

/** The score as a table for people. */
function tableOf({ seen, attributes, measures }: ClipScore): ScoreTable {
  const points = attributes.filter(({ name }) => name !== 'all');
  const right = points.filter(({ isRight }) => isRight).length;
  return {
    summary: `${right} of ${points.length} right`,
    rows: [
      ...points.map(({ name, isRight }) => ({
        name: names[name],
        value: isRight ? 'right' : 'wrong',
        isRight,
      })),
      ...measures.map(({ name, value, unit, isRight }) => ({
        name: capitalised(name),
        value: shown(value, unit),
        ...(isRight === undefined ? {} : { isRight }),
      })),
      { name: 'Seen', value: seen.slice(0, 400) },
    ],
  };
}

/** Reads a clip of the Toybox world back and says what of the prompt it shows. */
export const scoreClip = defineNode({
  type: 'score-clip',
  version: 1,
  title: 'Score',
  description:
    'Looks at a clip of the Toybox world and says, point by point, whether it shows what was asked for.',
  category: 'Video',
  synonyms: ['measure', 'evaluate', 'quality', 'judge', 'prompt adherence', 'toybox score'],
  inputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The clip to look at.' },
    prompt: {
      type: 'text',
      label: 'Prompt',
      description:
        'What the clip should show, from another node; while connected, it stands in for the one typed here.',
      optional: true,
    },
    scene: {
      type: 'scene',
      label: 'Truth',
      description: 'The scene that the clip should show; while connected, no prompt is needed.',
      optional: true,
    },
  },
  outputs: {
    score: {
      type: 'score',
      label: 'Score',
      description: 'What is right and what is wrong, and what was measured.',
    },
  },
  params: {
    prompt: {
      kind: 'text',
      label: 'Prompt',
      description: 'What the clip should show, in the words of the Toybox world.',
      default: '',
      multiline: true,
      maxLength: 1000,
      placeholder: 'a large red circle moves right on a navy background',
    },
  },
  isOutput: true,
  preview: 'score',
  cache: 'disk',
  lane: 'cpu',
  infer({ inputs, params }) {
    const issues: InferIssue[] = [];
    if (!('prompt' in inputs) && !('scene' in inputs) && params.prompt.trim() === '') {
      issues.push({
        code: 'score/nothing-expected',
        severity: 'error',
        message: 'There is nothing to compare the clip with: type a prompt, or connect a prompt or a truth.',
        param: 'prompt',
        fix: { kind: 'connect', label: 'Compare with the prompt', port: 'prompt' },
        otherFixes: [{ kind: 'connect', label: 'Compare with the truth', port: 'scene' }],
      });
    }
    return { outputs: { score: {} }, issues };
  },
  async run({ inputs, params, ctx }) {
    const clip = clipOf(await ctx.frames.whole(inputs.frames, ctx.signal));
    try {
      return { score: tableOf(scoreOf(clip, expected(inputs, params))) };
    } catch (error) {
      if (!(error instanceof ScorerError)) throw error;
      throw new NodeError('score/not-readable', error.message, {
        hint: 'Say it as the Ground-truth scene node does, or connect the truth instead.',
        cause: error,
      });
    }
  },
});

function expected(
  inputs: { readonly prompt?: string; readonly scene?: unknown },
  params: { readonly prompt: string },
) {
  if (inputs.scene !== undefined) {
    const scene = sceneSchema.safeParse(inputs.scene);
    if (!scene.success) {
      throw new NodeError(
        'score/not-a-scene',
        `The truth is not a scene of the Toybox world: ${scene.error.message}`,
        {
          hint: 'Connect the Truth output of a Ground-truth scene node.',
        },
      );
    }
    return scene.data;
  }
  const prompt = (inputs.prompt ?? params.prompt).trim();
  if (prompt !== '') return prompt;
  throw new NodeError('score/nothing-expected', 'There is nothing to compare the clip with.', {
    hint: 'Type a prompt, or connect a prompt or a truth.',
  });
}
