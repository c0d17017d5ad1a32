import { defineNode, NodeError, type RunContext } from '@reelgraph/node-api';
import type { Tensor } from '@reelgraph/tensor';
import { encodedAnew, modelOf, wrongModelIssues } from '../../model/wrong-model.ts';
import { framesFacts } from '../../video/frames-facts.ts';

/** Unpacks the finished clip into pictures. */
export const vaeDecode = defineNode({
  type: 'vae-decode',
  version: 2,
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
  params: {
    timestep: {
      kind: 'number',
      label: 'Decode level',
      description:
        'How much grain the decoder takes the clip to have. Only for decoders that are told (LTX-Video 0.9.1 and later).',
      default: 0.05,
      min: 0,
      max: 1,
      step: 0.005,
    },
    noiseScale: {
      kind: 'number',
      label: 'Decode grain',
      description:
        'How much grain is put on the clip before it is unpacked, for the decoder to turn into detail. Only for the same decoders.',
      default: 0.025,
      min: 0,
      max: 1,
      step: 0.005,
    },
  },
  cache: 'disk',
  lane: 'inference',
  infer({ inputs, context }) {
    const { model, latent } = inputs;
    const fps = context.models.get(model?.model ?? '')?.recommended.fps;
    return {
      outputs: {
        frames: framesFacts({ ...latent, ...(fps === undefined ? {} : { fps }) }),
      },
      issues: wrongModelIssues(
        'vae-decode/wrong-model',
        'latent',
        latent,
        model,
        (of, here) =>
          `The latent was made by the model ${of}; ${here} cannot unpack it. Connect the model that made it.`,
        latent?.model === undefined ? [] : [modelOf(latent.model), encodedAnew('latent', latent.model)],
      ),
    };
  },
  async run({ inputs, params, ctx }) {
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
    const { frameCount, widthPx, heightPx } = latent;
    const { recommended, decoderNoise } = ctx.models.facts(model);
    const fps = latent.fps ?? recommended.fps;
    const { timestep, noiseScale } = params;
    const settings = decoderNoise === true ? { timestep, noiseScale, grain: latent.grain } : undefined;
    const decoded = ctx.models.decodeByChunk(model, samples, ctx.signal, settings);
    const chunks = withProgress(decoded, frameCount, ctx);
    const clip = { frameCount, widthPx, heightPx, fps };
    return {
      frames: await ctx.frames.keep(clip, chunks, ctx.signal, (frames) => ctx.handOut({ frames })),
    };
  },
});

/** The same chunks; says how far it is where there are several of them. */
async function* withProgress(
  chunks: AsyncIterable<Tensor<'float32'>>,
  totalSteps: number,
  ctx: Pick<RunContext, 'progress'>,
): AsyncGenerator<Tensor<'float32'>> {
  let step = 0;
  for await (const chunk of chunks) {
    const count = chunk.shape[2] ?? 0;
    step += count;
    if (count < totalSteps) ctx.progress({ step, totalSteps, message: 'decoding' });
    yield chunk;
  }
}
