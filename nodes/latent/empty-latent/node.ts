import { fitsFrameRule, latentShape, nearestFrameCount, nearestSize } from '@reelgraph/diffusion';
import { defineNode, type InferIssue, NodeError } from '@reelgraph/node-api';
import { zeros } from '@reelgraph/tensor';

interface ClipRules {
  readonly frameRule?: { readonly multiple: number; readonly plus: number } | undefined;
  readonly sizeMultiple?: number | undefined;
}

/** Pictures are held as numbers, 12 bytes a pixel: a clip of this many pixels takes 1.6 GB before it is a file. */
const maxClipPixels = 2 ** 27;

/** What of a clip's size the model cannot make, each with the nearest value it can. */
export function clipIssues(
  params: { readonly frames: number; readonly width: number; readonly height: number },
  { frameRule, sizeMultiple }: ClipRules,
): InferIssue[] {
  const issues: InferIssue[] = [];
  if (frameRule !== undefined && !fitsFrameRule(params.frames, frameRule)) {
    const nearest = nearestFrameCount(params.frames, frameRule);
    const { multiple, plus } = frameRule;
    const below = Math.floor((params.frames - plus) / multiple) * multiple + plus;
    issues.push({
      code: 'latent/frame-count',
      severity: 'error',
      message: `This model makes clips of ${plus}, ${multiple + plus}, ${2 * multiple + plus} … frames, not ${params.frames}. Near it are ${below > 0 ? `${below} and ` : ''}${below + multiple}.`,
      param: 'frames',
      fix: { label: `Use ${nearest} frames`, param: 'frames', value: nearest },
    });
  }
  for (const param of ['width', 'height'] as const) {
    if (sizeMultiple === undefined || params[param] % sizeMultiple === 0) continue;
    const nearest = nearestSize(params[param], sizeMultiple);
    issues.push({
      code: 'latent/size',
      severity: 'error',
      message: `This model needs a ${param} that is a multiple of ${sizeMultiple}, not ${params[param]}.`,
      param,
      fix: { label: `Use ${nearest} px`, param, value: nearest },
    });
  }
  if (params.frames * params.width * params.height > maxClipPixels) {
    const fitting = Math.max(1, Math.floor(maxClipPixels / (params.width * params.height)));
    const { multiple, plus } = frameRule ?? { multiple: 1, plus: 0 };
    const frames = Math.max(1, Math.floor((fitting - plus) / multiple) * multiple + plus);
    issues.push({
      code: 'latent/too-large',
      severity: 'error',
      message: `${params.frames} frames of ${params.width}×${params.height} do not fit into memory; at this size a clip has at most ${frames}.`,
      param: 'frames',
      fix: { label: `Use ${frames} ${frames === 1 ? 'frame' : 'frames'}`, param: 'frames', value: frames },
    });
  }
  return issues;
}

/** The blank film that noise is laid on: it fixes how long and how large the clip is. */
export const emptyLatent = defineNode({
  type: 'empty-latent',
  version: 1,
  title: 'Clip size',
  description: 'Sets how long and how large the clip will be, as a blank strip for the model to fill.',
  category: 'Latent',
  synonyms: ['empty latent video', 'resolution', 'length', 'frames', 'size'],
  inputs: {
    model: {
      type: 'model',
      label: 'Model',
      description: 'The model that will fill the strip; it decides which sizes exist.',
    },
  },
  outputs: {
    latent: { type: 'latent', label: 'Latent', description: "A blank clip in the model's compressed form." },
  },
  params: {
    frames: {
      kind: 'integer',
      label: 'Frames',
      description: 'Number of pictures in the clip. Divided by the frames per second this is its length.',
      default: 17,
      min: 1,
      max: 1025,
    },
    width: {
      kind: 'integer',
      label: 'Width',
      description: 'Width of the picture.',
      default: 64,
      min: 16,
      max: 4096,
      step: 16,
      unit: 'px',
    },
    height: {
      kind: 'integer',
      label: 'Height',
      description: 'Height of the picture.',
      default: 64,
      min: 16,
      max: 4096,
      step: 16,
      unit: 'px',
    },
  },
  cache: 'memory',
  lane: 'cpu',
  infer({ inputs, params }) {
    return {
      outputs: {
        latent: {
          ...inputs.model,
          frameCount: params.frames,
          widthPx: params.width,
          heightPx: params.height,
        },
      },
      issues: clipIssues(params, inputs.model ?? {}),
    };
  },
  run({ inputs, params, ctx }) {
    const facts = ctx.models.facts(inputs.model);
    const [issue] = clipIssues(params, facts);
    if (issue !== undefined) {
      throw new NodeError(
        issue.code,
        issue.message,
        issue.fix === undefined ? {} : { hint: `${issue.fix.label}.` },
      );
    }
    const clip = { frameCount: params.frames, widthPx: params.width, heightPx: params.height };
    return { latent: { ...clip, samples: zeros('float32', latentShape(clip, facts)), model: facts.name } };
  },
});
