/** Each part of a clip on its own, from the values that diffusers had there: where `parity.test.ts` fails, this says why. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { addKnownFrames, nothingKnown, patchify, unpatchify } from '@reelgraph/diffusion';
import { createModelService, type ModelServiceHandle } from '@reelgraph/inference';
import { decodeImage } from '@reelgraph/media';
import {
  type AnyNodeDefinition,
  type Conditioning,
  type Latent,
  type ModelRef,
  NodeError,
  type Noise,
  type PictureGuide,
  type PlacedPicture,
  type SamplingStart,
  type Sigmas,
} from '@reelgraph/node-api';
import { createTestContext, defaultParams } from '@reelgraph/node-api/testing';
import { builtinNodes } from '@reelgraph/nodes';
import {
  concatAxis,
  indexView,
  randomNormal,
  reshapeView,
  sliceAxis,
  type Tensor,
  zeros,
} from '@reelgraph/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowOf } from './case-workflow.ts';
import { asPictures, type GoldenCase, goldenCases, goldenFolders, largestDifference } from './golden-case.ts';

const signal = new AbortController().signal;
let models: ModelServiceHandle;
beforeAll(async () => {
  models = await createModelService({ roots: goldenFolders, threads: 1 });
});
afterAll(() => models.dispose());

// Float32 sums in another order inside one graph.
const oneRun = 1e-4;

const isKeyframes = ({ pipeline }: GoldenCase) => pipeline === 'LTXConditionPipeline';
const modelOf = (one: GoldenCase): Promise<ModelRef> =>
  models.resolve(one.model, signal, isKeyframes(one) ? { variant: 'keyframes' } : {});

function node(type: string): AnyNodeDefinition {
  const definition = builtinNodes.get(type);
  if (definition === undefined) throw new Error(`There is no node type "${type}".`);
  return definition;
}

async function blankOf(one: GoldenCase, model: ModelRef): Promise<Latent> {
  const { latentChannels, vaeScale } = models.facts(model);
  const frames = (one.num_frames - 1) / vaeScale.temporal + 1;
  const shape = [1, latentChannels, frames, one.height / vaeScale.spatial, one.width / vaeScale.spatial];
  const size = { frameCount: one.num_frames, widthPx: one.width, heightPx: one.height };
  return { samples: zeros('float32', shape), model: one.model, ...size };
}

async function scheduleOf(one: GoldenCase, model: ModelRef, latent: Latent): Promise<Sigmas> {
  const scheduler = node('scheduler');
  const { params = {} } = workflowOf(one).nodes.scheduler ?? {};
  const outputs = await scheduler.run({
    inputs: { model, latent },
    params: defaultParams(scheduler, params),
    ctx: createTestContext({ models }),
  });
  return outputs.sigmas as Sigmas;
}

async function picturesOf(one: GoldenCase, model: ModelRef): Promise<PlacedPicture[]> {
  const placed: PlacedPicture[] = [];
  for (const { image, frame_index: frame, strength } of one.pictures) {
    const { pixels } = await decodeImage(readFileSync(join(one.folder, image)), signal);
    const moments = await models.encodePicture?.(model, pixels, signal);
    if (moments !== undefined) placed.push({ moments, frame, strength });
  }
  return placed;
}

/** The first picture as a latent frame, for models that are given it so. */
async function knownOf(one: GoldenCase, model: ModelRef, shape: readonly number[]) {
  const [first] = one.pictures;
  if (first === undefined) return undefined;
  const { pixels } = await decodeImage(readFileSync(join(one.folder, first.image)), signal);
  return addKnownFrames(nothingKnown(shape), await models.encodeFrames(model, pixels, signal), 0);
}

/** The pictures on channels of their own, for models that read them there. */
async function guideOf(one: GoldenCase, model: ModelRef): Promise<PictureGuide | undefined> {
  if (models.facts(model).needsPictures === undefined) return undefined;
  let guide: PictureGuide | undefined;
  for (const { image, frame_index: frame } of one.pictures) {
    const { pixels: still } = await decodeImage(readFileSync(join(one.folder, image)), signal);
    const request = { picture: still, still, frame, frameCount: one.num_frames, guide };
    guide = await models.placePicture?.(model, request, signal);
  }
  return guide;
}

interface Begun {
  readonly model: ModelRef;
  readonly sigmas: Sigmas;
  readonly start: SamplingStart;
  readonly branches: readonly Conditioning[];
}

async function begun(one: GoldenCase): Promise<Begun> {
  const model = await modelOf(one);
  const latent = await blankOf(one, model);
  const sigmas = await scheduleOf(one, model, latent);
  const positive = await models.encodeText(model, one.prompt, signal);
  const negative = await models.encodeText(model, one.negative_prompt, signal);
  const isPlacedHere = models.facts(model).placesPictures === undefined;
  const guide = await guideOf(one, model);
  const pictures = isPlacedHere ? [] : await picturesOf(one, model);
  const known =
    isPlacedHere && guide === undefined ? await knownOf(one, model, latent.samples.shape) : undefined;
  const seed = String(one.seed);
  const noise: Noise = { samples: randomNormal(seed, latent.samples.shape), seed };
  const start = models.begin?.(model, {
    clip: latent.samples,
    noise,
    conditioning: {
      ...positive,
      ...(pictures.length === 0 ? {} : { pictures }),
      ...(known === undefined ? {} : { known }),
      ...(guide === undefined ? {} : { guide }),
    },
    sigma: sigmas.plan?.startScale ?? 1,
    timestep: one.timesteps[0] ?? 1000,
    pictureNoise: one.image_cond_noise_scale ?? 0,
  });
  if (start === undefined) throw new Error('The service does not begin samplings.');
  return {
    model,
    sigmas,
    start,
    branches: [guide === undefined ? positive : { ...positive, guide }, negative],
  };
}

/** What torch drew, in order; only the noise of the clip where nothing else was recorded. */
function drawsOf(one: GoldenCase): Tensor<'float32'>[] {
  if (one.has('noise')) return [one.read('noise')];
  const draws: Tensor<'float32'>[] = [];
  while (one.has(`draw_${draws.length}`)) draws.push(one.read(`draw_${draws.length}`));
  return draws;
}

// CogVideoX records frames before channels; its stages are seen in the clip only.
const staged = goldenCases.filter(({ pipeline }) => !pipeline.startsWith('CogVideoX'));
describe.each(staged.map((one) => [`${one.model}/${one.name}`, one] as const))('%s', (_, one) => {
  it('reads the prompts as diffusers does', async () => {
    const model = await modelOf(one);
    const positive = await models.encodeText(model, one.prompt, signal);
    const negative = await models.encodeText(model, one.negative_prompt, signal);
    const both = one.has('prompt_embeds_neg_pos') ? one.read('prompt_embeds_neg_pos') : undefined;
    const wanted = both === undefined ? one.read('prompt_embeds') : indexView(both, 1);
    expect(largestDifference(positive.promptEmbeds.data, wanted.data)).toBeLessThan(oneRun);
    if (one.has('pooled_prompt_embeds'))
      expect(
        largestDifference(positive.pooled?.data ?? [], one.read('pooled_prompt_embeds').data),
      ).toBeLessThan(oneRun);
    if (both === undefined && !one.has('negative_prompt_embeds')) return;
    const against = both === undefined ? one.read('negative_prompt_embeds') : indexView(both, 0);
    expect(largestDifference(negative.promptEmbeds.data, against.data)).toBeLessThan(oneRun);
  });

  it('begins with the very noise that torch drew', async () => {
    const { start } = await begun(one);
    const draws = drawsOf(one);
    const { shape, data } = start.noise.samples;
    const wanted = draws.find((draw) => draw.shape.join() === shape.join());
    expect(data).toEqual(wanted?.data);
    const drawn = start.noise.drawn ?? [shape];
    expect(drawn.map((each) => [...each])).toEqual(draws.slice(0, drawn.length).map((draw) => draw.shape));
  });

  it('lays the levels and timesteps', async () => {
    const { sigmas } = await begun(one);
    expect(largestDifference(sigmas.values, one.sigmas)).toBeLessThan(1e-6);
    expect(largestDifference(sigmas.plan?.timesteps ?? [], one.timesteps)).toBeLessThan(1e-3);
  });

  it('asks the transformer what diffusers asks it, and hears the same', async () => {
    const { model, start, branches, sigmas } = await begun(one);
    const given = one.read('step0_transformer_input');
    const patch = [1, 1, 1] as const;
    const isPacked = given.shape.length === 3;
    const mine = isPacked ? patchify(start.from, patch) : start.from;
    const [theirs] = isPacked ? [reshapeView(indexView(given, 0), [1, ...given.shape.slice(1)])] : [given];
    const { channels } = branches[0]?.guide ?? {};
    const asked = channels === undefined ? mine : concatAxis([mine, channels], 1);
    expect(largestDifference(asked.data, theirs?.data ?? [])).toBeLessThan(oneRun);
    const answers = await models.denoise(
      model,
      {
        sample:
          isPacked && theirs !== undefined
            ? unpatchify(theirs, start.from.shape, patch)
            : sliceAxis(given, 1, 0, start.from.shape[1] ?? 0),
        sigma: sigmas.values[0] ?? 1,
        timestep: one.timesteps[0] ?? 1000,
        branches,
        frameRate: one.frame_rate ?? undefined,
        guidance: one.guidance_scale,
        ...(start.known === undefined ? {} : { known: start.known }),
      },
      signal,
    );
    const heard = answers.map((answer) => (isPacked ? patchify(answer, patch).data : answer.data));
    const both = one.has('step0_noise_pred_uncond_cond')
      ? one.read('step0_noise_pred_uncond_cond')
      : undefined;
    const conditional = both === undefined ? one.read('step0_noise_pred_cond') : indexView(both, 1);
    expect(largestDifference(heard[0] ?? [], conditional.data)).toBeLessThan(oneRun);
    if (both === undefined && !one.has('step0_noise_pred_uncond')) return;
    const unconditional = both === undefined ? one.read('step0_noise_pred_uncond') : indexView(both, 0);
    expect(largestDifference(heard[1] ?? [], unconditional.data)).toBeLessThan(oneRun);
  });

  it('decodes the latents of diffusers to its frames, whole and by chunk', async () => {
    const model = await modelOf(one);
    const { samples } = await blankOf(one, model);
    const latent = one.has('final_latents')
      ? one.finalLatent()
      : unpatchify(clipTokens(one, samples.data.length), samples.shape, [1, 1, 1]);
    const drawn = drawsOf(one).map((draw) => draw.shape);
    // The noise of the decoder is recorded where the clip's shape was drawn twice.
    const ofClip = drawn.filter((shape) => shape.join() === samples.shape.join());
    const settings = {
      timestep: one.decode_timestep ?? 0,
      noiseScale: one.decode_noise_scale ?? one.decode_timestep ?? 0,
      grain: { seed: String(one.seed), drawn: ofClip.length > 1 ? drawn.slice(0, -1) : drawn },
    };
    const wanted = one.read('frames').data;
    const whole = await models.decodeLatent(model, latent, signal, settings);
    expect(largestDifference(asPictures(whole), wanted)).toBeLessThan(oneRun);
    const chunks: Tensor<'float32'>[] = [];
    for await (const chunk of models.decodeByChunk(model, latent, signal, settings)) chunks.push(chunk);
    expect(largestDifference(asPictures(concatAxis(chunks, 2)), wanted)).toBeLessThan(oneRun);
  });
});

const withPictures = goldenCases.filter(({ model, pictures }) => model === 'ltx' && pictures.length > 0);
describe.each(withPictures.map((one) => [`${one.model}/${one.name}`, one] as const))('%s', (_, one) => {
  it('reads the pictures', async () => {
    const placed = await picturesOf(one, await modelOf(one));
    expect(placed).toHaveLength(one.pictures.length);
    for (const [i, { moments }] of placed.entries())
      expect(largestDifference(moments.data, one.read(`vae_encoder_moments_${i}`).data)).toBeLessThan(oneRun);
  });
});

const onChannels = goldenCases.filter((one) => one.has('image_embeds'));
describe.each(onChannels.map((one) => [`${one.model}/${one.name}`, one] as const))('%s', (_, one) => {
  it('tells of the pictures as their encoder does', async () => {
    const guide = await guideOf(one, await modelOf(one));
    expect(guide?.tokens?.shape).toEqual(one.read('image_embeds').shape);
    expect(largestDifference(guide?.tokens?.data ?? [], one.read('image_embeds').data)).toBeLessThan(oneRun);
  });
});

/** The tokens of the clip, without those of pictures in front of it. */
function clipTokens(one: GoldenCase, length: number): Tensor<'float32'> {
  const all = one.read('final_latents_packed');
  const depth = all.shape[2] ?? 1;
  return { dtype: 'float32', shape: [1, length / depth, depth], data: all.data.slice(-length) };
}

describe('ways to run the same weights', () => {
  const unipc = goldenCases.find(({ model, name }) => model === 'wan-t2v' && name === 'unipc');
  if (unipc === undefined) throw new Error('The case wan-t2v/unipc is missing.');

  it('attention in one operator says the same', async () => {
    const { start, branches } = await begun(unipc);
    const fused = await models.resolve('wan-t2v', signal, { variant: 'mha' });
    const request = { sample: start.from, sigma: 1, timestep: 999, branches: branches.slice(0, 1) };
    const [plain] = await models.denoise(await modelOf(unipc), request, signal);
    const [other] = await models.denoise(fused, request, signal);
    expect(largestDifference(other?.data ?? [], plain?.data ?? [])).toBeLessThan(1e-5);
  });

  it('a decoder that goes frame by frame gives a chunk for every latent frame', async () => {
    const counts: (number | undefined)[] = [];
    for await (const chunk of models.decodeByChunk(await modelOf(unipc), unipc.read('final_latents'), signal))
      counts.push(chunk.shape[2]);
    expect(counts).toEqual([1, 4, 4]);
  });
});

describe('a part of a clip that is given', () => {
  it('stays as it is, and its tokens are told to be clean', async () => {
    const model = await models.resolve('ltx', signal);
    const clip = zeros('float32', [1, 8, 3, 4, 8]);
    const noise: Noise = { samples: randomNormal('1', clip.shape), seed: '1' };
    const text = await models.encodeText(model, 'a cat', signal);
    const frames = randomNormal('2', [1, 8, 1, 4, 8]);
    const known = addKnownFrames(nothingKnown(clip.shape), frames, 2);
    const conditioning = { ...text, known };
    const start = models.begin?.(model, {
      clip,
      noise,
      conditioning,
      sigma: 1,
      timestep: 1000,
      pictureNoise: 0,
    });
    expect(start?.known).toEqual({ ...known, hold: { kind: 'clean' } });
    const last = (value: Tensor<'float32'> | undefined) => Array.from(value?.data.slice(64, 96) ?? []);
    expect(last(start?.from)).toEqual(Array.from(frames.data.slice(0, 32)));
    expect(Array.from(start?.from.data.slice(0, 64) ?? [])).toEqual(
      Array.from(noise.samples.data.slice(0, 64)),
    );
  });
});

describe('what a package cannot do', () => {
  it('is said before anything is run', async () => {
    const wan = await models.resolve('wan-t2v', signal);
    const pixels = zeros('float32', [1, 3, 1, 32, 32]);
    await expect(models.encodeFrames(wan, pixels, signal)).rejects.toMatchObject({
      code: 'model/no-encoder',
    });
    await expect(models.resolve('wan-t2v', signal, { variant: 'keyframes' })).rejects.toMatchObject({
      code: 'model/no-variant',
    });
  });

  it('a picture in the middle asks for the variant that holds it', async () => {
    const model = await models.resolve('ltx', signal);
    const clip = zeros('float32', [1, 8, 3, 4, 8]);
    const noise: Noise = { samples: clip, seed: '1' };
    const moments = zeros('float32', [1, 16, 1, 4, 8]);
    const text = await models.encodeText(model, 'a cat', signal);
    const conditioning = { ...text, pictures: [{ moments, frame: 8, strength: 1 }] };
    const begin = () =>
      models.begin?.(model, { clip, noise, conditioning, sigma: 1, timestep: 1000, pictureNoise: 0 });
    expect(begin).toThrowError(NodeError);
    expect(begin).toThrowError('takes one picture, as the first frame');
  });
});
