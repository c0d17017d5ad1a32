import { defineNode, NodeError, sizeOfClip } from '@reelgraph/node-api';
import { noEncoderIssues } from '../../model/no-encoder.ts';
import { sizeFacts } from '../../video/frames-facts.ts';
import { clipFault, clipFaultIssues, rateIssues } from '../clip-fault.ts';

/** Packs a clip into the form that the model works on. */
export const vaeEncode = defineNode({
  type: 'vae-encode',
  version: 1,
  title: 'Encode',
  description:
    "Packs a clip into the model's compressed form, so that denoising can begin from it instead of from nothing.",
  category: 'Latent',
  synonyms: ['vae', 'frames to latent', 'video to video', 'img2img', 'compress'],
  inputs: {
    model: { type: 'model', label: 'Model', description: 'The model that will work on the clip.' },
    frames: { type: 'frames', label: 'Frames', description: 'The clip to pack.' },
  },
  outputs: {
    latent: { type: 'latent', label: 'Latent', description: "The clip in the model's compressed form." },
  },
  params: {},
  cache: 'disk',
  lane: 'inference',
  infer({ inputs: { model, frames }, context }) {
    return {
      outputs: { latent: { ...model, ...sizeFacts(frames ?? {}) } },
      issues: [
        ...noEncoderIssues(model, context),
        ...clipFaultIssues('frames', frames ?? {}, model ?? {}),
        ...rateIssues('frames', frames, model, context),
      ],
    };
  },
  async run({ inputs, ctx }) {
    const { model, frames } = inputs;
    const size = sizeOfClip(frames);
    const fault = clipFault(size, ctx.models.facts(model));
    if (fault !== undefined) throw new NodeError(fault.code, fault.message, { hint: fault.hint });
    const pixels = await ctx.frames.whole(frames, ctx.signal);
    const encoded = (await ctx.models.encodeClip?.(model, pixels, ctx.signal)) ?? {
      samples: await ctx.models.encodeFrames(model, pixels, ctx.signal),
    };
    return { latent: { ...encoded, model: model.name, ...size } };
  },
});
