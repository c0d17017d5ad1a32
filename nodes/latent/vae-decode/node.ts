import { defineNode, NodeError } from '@reelgraph/node-api';

/** Unpacks the finished clip into pictures. */
export const vaeDecode = defineNode({
  type: 'vae-decode',
  version: 1,
  title: 'Decode',
  description: "Unpacks the model's compressed clip into pictures you can see.",
  category: 'Latent',
  synonyms: ['vae', 'decode latent', 'latent to frames'],
  inputs: {
    model: { type: 'model', label: 'Model', description: 'The model that made the clip.' },
    latent: { type: 'latent', label: 'Latent', description: 'The finished clip in compressed form.' },
  },
  outputs: {
    frames: { type: 'frames', label: 'Frames', description: 'The pictures of the clip, in order.' },
  },
  params: {},
  cache: 'disk',
  lane: 'inference',
  infer({ inputs, context }) {
    const { model, latent } = inputs;
    const fps = context.models.get(model?.model ?? '')?.recommended.fps;
    const wrongModel =
      model?.model !== undefined && latent?.model !== undefined && model.model !== latent.model;
    return {
      outputs: {
        frames: {
          ...(latent?.widthPx === undefined ? {} : { widthPx: latent.widthPx }),
          ...(latent?.heightPx === undefined ? {} : { heightPx: latent.heightPx }),
          ...(latent?.frameCount === undefined ? {} : { frameCount: latent.frameCount }),
          ...(fps === undefined ? {} : { fps }),
        },
      },
      issues: wrongModel
        ? [
            {
              code: 'vae-decode/wrong-model',
              severity: 'error',
              message: `The latent was made by the model ${latent?.model}; ${model?.model} cannot unpack it. Connect the model that made it.`,
              port: 'latent',
            },
          ]
        : [],
    };
  },
  async run({ inputs, ctx }) {
    const { model, latent } = inputs;
    if (latent.model !== model.name) {
      throw new NodeError(
        'vae-decode/wrong-model',
        `The latent was made by the model ${latent.model}; ${model.name} cannot unpack it.`,
        {
          hint: 'Connect the model that made it.',
        },
      );
    }
    // Of a draft not the noise that is left is shown, but what the model sees behind it.
    const samples = latent.unfinished?.estimate ?? latent.samples;
    const pixels = await ctx.models.decodeLatent(model, samples, ctx.signal);
    return { frames: { pixels, fps: ctx.models.facts(model).recommended.fps } };
  },
});
