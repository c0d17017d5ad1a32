/**
 * The nodes together over real inference and media, on the 9 kB package of packages/inference, against whole
 * runs of a plain Python sampler (torch noise, ONNX Runtime): a wrong sign, order or scale anywhere shows here.
 */
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createModelService, type ModelServiceHandle } from '@reelgraph/inference';
import { createMediaService, decodeVideoFile, encodePng, readWorkflowFromVideo } from '@reelgraph/media';
import type { RunContext } from '@reelgraph/node-api';
import { createTestContext, defaultParams, inMemory } from '@reelgraph/node-api/testing';
import { fromFunction } from '@reelgraph/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageConditioning } from './conditioning/image-conditioning/node.ts';
import { textEncode } from './conditioning/text-encode/node.ts';
import { loadImage } from './image/load-image/node.ts';
import { emptyLatent } from './latent/empty-latent/node.ts';
import { noise as noiseNode } from './latent/noise/node.ts';
import { vaeDecode } from './latent/vae-decode/node.ts';
import { loadModel } from './model/load-model/node.ts';
import { denoise } from './sampling/denoise/node.ts';
import { scheduler } from './sampling/scheduler/node.ts';
import { videoMux } from './video/video-mux/node.ts';

const fixtures = new URL('../packages/inference/src/fixtures/', import.meta.url);
interface Clip {
  readonly latent: number[];
  readonly corner: number[];
}
const clips: {
  settings: {
    prompt: string;
    negative: string;
    seed: number;
    steps: number;
    shift: number;
    guidance: number;
  };
  text_to_video: Clip;
  image_to_video: Clip;
} = JSON.parse(await readFile(new URL('tiny-toybox-clips.json', fixtures), 'utf8'));
const { settings } = clips;

/** Red where x < 16, blue elsewhere; 32×16. */
const picture = fromFunction([1, 3, 1, 16, 32], (i) => {
  const isLeft = i % 32 < 16;
  const channel = Math.floor(i / 512);
  return (channel === 0 && isLeft) || (channel === 2 && !isLeft) ? 1 : -1;
});

let folder: string;
let models: ModelServiceHandle;
let ctx: RunContext;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-chain-'));
  models = await createModelService({ roots: [fileURLToPath(new URL('tiny-toybox', fixtures))], threads: 1 });
  const media = createMediaService({
    tempFolder: join(folder, 'temp'),
    async putFile(path, about) {
      await rename(path, join(folder, about.name));
      return { kind: 'file', digest: '0'.repeat(64), byteLength: 0, ...about };
    },
  });
  const png = await encodePng(picture, 0);
  ctx = createTestContext({
    models,
    media,
    files: { read: async () => png },
    workflowJson: '{"reelgraph":1}',
  });
});
afterAll(async () => {
  await models.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** model → prompt → [picture →] denoise → decode, as the workflows wire it. */
async function makeClip(kind: 'text_to_video' | 'image_to_video') {
  const { model } = await loadModel.run({
    inputs: {},
    params: { model: 'tiny-toybox', variant: 'base', precision: 'auto' },
    ctx,
  });
  const texts = await textEncode.run({
    inputs: { model },
    params: { prompt: settings.prompt, negativePrompt: settings.negative },
    ctx,
  });
  const { latent } = await emptyLatent.run({
    inputs: { model },
    params: { frames: 9, width: 32, height: 16 },
    ctx,
  });
  const { noise } = await noiseNode.run({ inputs: { latent }, params: { seed: String(settings.seed) }, ctx });
  const { sigmas } = await scheduler.run({
    inputs: {},
    params: defaultParams(scheduler, { steps: settings.steps, shift: settings.shift }),
    ctx,
  });
  let { positive } = texts;
  if (kind === 'image_to_video') {
    const { image } = await loadImage.run({ inputs: {}, params: { file: 'picture.png' }, ctx });
    const placed = await imageConditioning.run({
      inputs: { model, conditioning: positive, image, latent },
      params: defaultParams(imageConditioning, { frame: 'first' }),
      ctx,
    });
    positive = placed.conditioning;
  }
  const done = await denoise.run({
    inputs: { model, positive, negative: texts.negative, noise, sigmas, latent },
    params: defaultParams(denoise, { guidanceScale: settings.guidance, sampler: 'euler' }),
    ctx,
  });
  const { frames } = await vaeDecode.run({
    inputs: { model, latent: done.latent },
    params: defaultParams(vaeDecode),
    ctx,
  });
  return { latent: done.latent, frames };
}

// 1e-4: four steps whose guidance multiplies float32 rounding by 2.5 each.
const expectClose = (got: ArrayLike<number>, wanted: readonly number[]) => {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < got.length; i++)
    expect(Math.abs(got[i]! - wanted[i]!), `element ${i}`).toBeLessThan(1e-4);
};

describe.each(['text_to_video', 'image_to_video'] as const)('%s', (kind) => {
  it('gives the latent and the frames of the Python sampler', async () => {
    const { latent, frames } = await makeClip(kind);
    expectClose(latent.samples.data, clips[kind].latent);
    expect(inMemory(frames).pixels.shape).toEqual([1, 3, 9, 16, 32]);
    const corner = Array.from({ length: 27 }, (_, i) => inMemory(frames).pixels.data[i * 512]!);
    expectClose(corner, clips[kind].corner);
  });

  it('gives the same bits again', async () => {
    expect(inMemory((await makeClip(kind)).frames).pixels.data).toEqual(
      inMemory((await makeClip(kind)).frames).pixels.data,
    );
  });
});

it('the video shows the frames and carries the workflow', async () => {
  const { frames } = await makeClip('image_to_video');
  const { video } = await videoMux.run({ inputs: { frames }, params: { fps: 8, quality: 100 }, ctx });
  const path = join(folder, video.file.name);
  expect(await readWorkflowFromVideo(await readFile(path))).toBe('{"reelgraph":1}');
  const shown = await decodeVideoFile(path, video);
  const error =
    shown.data.reduce((sum, value, i) => sum + Math.abs(value - inMemory(frames).pixels.data[i]!), 0) /
    shown.data.length;
  // 0.05 of a range of 2: hard colour edges in H.264 with halved colour resolution.
  expect(error).toBeLessThan(0.05);
});
