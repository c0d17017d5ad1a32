/** Clips made anew from others: what a model begins from is the clip it was given, with the noise of its first level. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createModelService, type ModelServiceHandle } from '@reelgraph/inference';
import { decodeImage } from '@reelgraph/media';
import { concatAxis, randomNormal, sliceAxis, type Tensor } from '@reelgraph/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowOf } from './case-workflow.ts';
import { type GoldenCase, goldenCases, goldenFolders, largestDifference } from './golden-case.ts';
import { createGoldenEngine, type GoldenEngine } from './golden-engine.ts';

const signal = new AbortController().signal;
let models: ModelServiceHandle;
let golden: GoldenEngine;
beforeAll(async () => {
  models = await createModelService({ roots: goldenFolders, threads: 1 });
  golden = await createGoldenEngine();
});
afterAll(async () => {
  await models.dispose();
  await golden.close();
});

function caseOf(model: string, name: string): GoldenCase {
  const found = goldenCases.find((one) => one.model === model && one.name === name);
  if (found === undefined) throw new Error(`The case ${model}/${name} is missing.`);
  return found;
}

async function clipOf({ folder, video = [] }: GoldenCase): Promise<Tensor<'float32'>> {
  const pictures = await Promise.all(
    video.map((name) => decodeImage(readFileSync(join(folder, name)), signal)),
  );
  return concatAxis(
    pictures.map(({ pixels }) => pixels),
    2,
  );
}

const ofClip = caseOf('cogvideox', 'v2v');

describe('the clip that CogVideoX begins from', () => {
  it('is encoded as diffusers encodes it', async () => {
    const model = await models.resolve('cogvideox', signal);
    const pixels = await clipOf(ofClip);
    expect(largestDifference(pixels.data, ofClip.read('vae_encoder_input_0').data)).toBeLessThan(1e-6);
    const encoded = await models.encodeClip?.(model, pixels, signal);
    const moments = ofClip.read('vae_encoder_moments_0');
    const mean = sliceAxis(moments, 1, 0, 8).data.map((value) => 0.7 * value);
    const spread = sliceAxis(moments, 1, 8, 16).data.map((value) => 0.7 * Math.exp(0.5 * value));
    expect(largestDifference(encoded?.samples.data ?? [], mean)).toBeLessThan(1e-4);
    expect(largestDifference(encoded?.spread?.data ?? [], spread)).toBeLessThan(1e-4);
  });

  it('is drawn before its noise, and has the level of the first step that is left', async () => {
    const model = await models.resolve('cogvideox', signal);
    const encoded = await models.encodeClip?.(model, await clipOf(ofClip), signal);
    const text = await models.encodeText(model, ofClip.prompt, signal);
    if (encoded === undefined) throw new Error('The service encodes no clips.');
    const [drawn, noise] = [ofClip.read('draw_0'), ofClip.read('draw_1')];
    const begun = (sigma: number) =>
      models.begin?.(model, {
        clip: encoded.samples,
        spread: encoded.spread,
        noise: { samples: randomNormal('43', drawn.shape), seed: '43' },
        conditioning: text,
        sigma,
        timestep: ofClip.timesteps[4] ?? 0,
        pictureNoise: 0,
      });
    const clean = encoded.samples.data.map((value, i) => value + encoded.spread!.data[i]! * drawn.data[i]!);
    expect(largestDifference(begun(0)?.from.data ?? [], clean)).toBeLessThan(1e-6);
    expect(begun(1)?.noise.drawn).toEqual([drawn.shape, noise.shape]);
    const [, frames = 0, channels = 0, height = 0, width = 0] = noise.shape;
    expect(begun(1)?.from.shape).toEqual([1, channels, frames, height, width]);
    // Frame 1 of channel 2, there and here.
    const plane = height * width;
    const there = noise.data.slice((1 * channels + 2) * plane, (1 * channels + 3) * plane);
    const here = begun(1)?.from.data.slice((2 * frames + 1) * plane, (2 * frames + 2) * plane);
    expect(largestDifference(here ?? [], there)).toBeLessThan(1e-6);
  });

  it('goes on with what was seen of the frames before where it is longer than the encoder takes at once', async () => {
    const model = await models.resolve('cogvideox', signal);
    const short = await clipOf(ofClip);
    const long = concatAxis([short, sliceAxis(short, 2, 1, 9)], 2);
    const ofShort = await models.encodeFrames(model, short, signal);
    const ofLong = await models.encodeFrames(model, long, signal);
    expect(ofLong.shape).toEqual([1, 8, 5, 4, 6]);
    expect(largestDifference(sliceAxis(ofLong, 2, 0, 3).data, ofShort.data)).toBe(0);
    const rest = sliceAxis(ofLong, 2, 3, 5);
    expect(rest.data.every(Number.isFinite)).toBe(true);
    expect(largestDifference(rest.data, sliceAxis(ofShort, 2, 1, 3).data)).toBeGreaterThan(1e-3);
  });
});

describe('a picture for CogVideoX from text', () => {
  it.each([0, 5])('is held at frame %i, with the noise of each level', async (frame) => {
    // With a number of steps that divides 1000 the last one ends without noise.
    const one = { ...caseOf('cogvideox', 't2v-dpm'), num_inference_steps: 8 };
    const pictures = [{ image: 'image_3.png', frame_index: frame, strength: 1 }];
    const workflow = workflowOf({ ...one, pictures });
    expect(golden.check(workflow)).toEqual([]);
    const { latent } = await golden.run(workflow, ofClip.folder);
    const plain = await golden.run(workflowOf(one), ofClip.folder);
    const model = await models.resolve('cogvideox', signal);
    const wide = sliceAxis(await clipOf(ofClip), 2, 3, 4);
    const still = frame === 0 ? wide : concatAxis([wide, wide, wide, wide, wide], 2);
    const known = await models.encodeFrames(model, still, signal);
    const last = (known.shape[2] ?? 0) - 1;
    const at = frame === 0 ? 0 : 2;
    const wanted = sliceAxis(known, 2, last, last + 1).data;
    expect(largestDifference(sliceAxis(latent.samples, 2, at, at + 1).data, wanted)).toBeLessThan(1e-5);
    expect(largestDifference(sliceAxis(plain.latent.samples, 2, at, at + 1).data, wanted)).toBeGreaterThan(
      0.1,
    );
  });
});

describe.each([
  ['wan-ti2v', 't2v'],
  ['ltx', 't2v'],
  ['cogvideox', 'v2v'],
])('%s', (name, caseName) => {
  const one = caseOf(name, caseName);
  const side = 32;
  // Longer clips go through the pictures there are again.
  const video = Array.from({ length: one.num_frames }, (_, i) => `image_${i % 9}.png`);

  function madeAnew(strength: number, seed = '1') {
    const about = { ...one, width: side, height: side, pictures: [], video, strength };
    const workflow = workflowOf({ ...about, num_inference_steps: 8 }, { noise: { seed } });
    workflow.nodes.square = {
      type: 'resize-frames',
      version: 1,
      params: { width: side, height: side, fit: 'cover' },
    };
    for (const edge of workflow.edges) if (edge.from[0] === 'pictures') edge.from = ['square', 'frames'];
    workflow.edges.push({ from: ['pictures', 'frames'], to: ['square', 'frames'] });
    return workflow;
  }

  it('stays the nearer to the clip the less may change', async () => {
    expect(golden.check(madeAnew(0.25))).toEqual([]);
    const little = await golden.run(madeAnew(0.25), ofClip.folder);
    const much = await golden.run(madeAnew(0.75), ofClip.folder);
    const model = await models.resolve(name, signal);
    const wide = await clipOf({ ...ofClip, video });
    const given = await models.encodeFrames(model, sliceAxis(wide, 4, 8, 8 + side), signal);
    const apart = (latent: Tensor<'float32'>) => largestDifference(latent.data, given.data);
    expect(apart(little.latent.samples)).toBeLessThan(apart(much.latent.samples));
    expect(little.frames.pixels.shape).toEqual([1, 3, one.num_frames, side, side]);
  });

  it('takes the last steps only, cut to whole ones', async () => {
    await golden.run(madeAnew(0.6), ofClip.folder);
    let last = 0;
    await golden.tryRun(madeAnew(0.6, '2'), signal, (step, node) => {
      if (node === 'denoise') last = Math.max(last, step);
    });
    expect(last).toBe(4);
  });
});
