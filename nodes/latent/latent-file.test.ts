import type { Latent } from '@reelgraph/node-api';
import { createFakeResults, createTestContext, fakeModelRef as model } from '@reelgraph/node-api/testing';
import { decodeSafetensors, encodeSafetensors, full, randomNormal, tensor } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { decodeLatentFile, encodeLatentFile, latentFactsOf } from './latent-file.ts';
import { loadLatent } from './load-latent/node.ts';
import { saveLatent } from './save-latent/node.ts';

const shape = [1, 2, 3, 4, 4];
const branch = (value: number) => ({
  promptEmbeds: full([1, 3, 2], value),
  promptMask: tensor('int64', [1, 3], BigInt64Array.of(1n, 1n, 0n)),
});
const finished: Latent = {
  samples: randomNormal('3', shape),
  model: 'fake',
  frameCount: 9,
  widthPx: 32,
  heightPx: 32,
};
const draft: Latent = {
  ...finished,
  unfinished: {
    step: 2,
    sigmas: [1, 1 / 3, 0.1, 0],
    sampler: 'euler',
    memory: {
      velocityBefore: randomNormal('4', shape),
      sigmaBefore: 0.1 + 0.2,
      seed: '18446744073709551615',
    },
    guidanceScale: 3.5,
    branches: [
      {
        ...branch(0.5),
        pooled: full([1, 4], 0.1),
        known: { latent: full(shape, 0.25), mask: full([1, 1, 3, 4, 4], 1) },
        guide: { channels: full([1, 6, 3, 4, 4], 0.125), tokens: full([2, 5, 3], 0.5) },
      },
      branch(-0.5),
    ],
    noise: { samples: randomNormal('7', shape), seed: '7' },
    model: { ...model, variant: 'fast' },
    estimate: full(shape, 0.75),
  },
};

/** Two frames for pictures stand in front of those of the clip. */
const withKeyframes: Latent = {
  ...draft,
  samples: randomNormal('3', [1, 2, 5, 4, 4]),
  fps: 25,
  grain: { seed: '7', drawn: [shape, [1, 80, 2]] },
  unfinished: {
    ...draft.unfinished!,
    sampler: 'euler-by-place',
    rules: {
      timesteps: [1000, 333.3, 100],
      settings: { order: 2, follows: 'clean' },
      guidance: { embedded: 6, ramp: 'cogvideox', rescale: 0.7, interval: { from: 0, to: 0.5 } },
      experts: { below: 875, guidanceScale: 3 },
      frameRate: 25,
      skipping: 0.05,
    },
    noise: {
      samples: randomNormal('7', shape),
      seed: '7',
      drawn: [shape, [1, 2, 1, 4, 4]],
      framesFirst: true,
    },
    branches: [
      {
        ...branch(0.5),
        known: {
          latent: full([1, 2, 5, 4, 4], 0.25),
          mask: full([1, 1, 5, 4, 4], 0.8),
          hold: { kind: 'by-strength', noiseScale: 0.15, guideFrames: [8, 9], patchSize: [1, 1, 1] },
        },
      },
      branch(-0.5),
    ],
  },
};

describe('a latent file', () => {
  it('refuses to draw more noise than any clip has', () => {
    const greedy = { ...finished, grain: { seed: '1', drawn: [[1, 65_536, 65_536]] } };
    expect(() => decodeLatentFile(encodeLatentFile(greedy))).toThrowError('draws too many numbers');
  });

  it.each([
    ['a finished clip', finished],
    ['a draft', draft],
    ['a draft with keyframes and rules of its own', withKeyframes],
  ])('gives back %s to the bit', (_, latent) => {
    expect(decodeLatentFile(encodeLatentFile(latent))).toEqual(latent);
  });

  it('has its samples where other programs look for them', () => {
    expect(decodeSafetensors(encodeLatentFile(draft)).tensors.latent_tensor).toEqual(draft.samples);
  });

  it('says in its head what it is, before anything is computed', () => {
    const clip = { model: 'fake', frameCount: 9, widthPx: 32, heightPx: 32, channels: 2 };
    expect(latentFactsOf(encodeLatentFile(finished))).toEqual(clip);
    expect(latentFactsOf(encodeLatentFile(draft))).toEqual({
      ...clip,
      steps: 3,
      stepsDone: 2,
      variant: 'fast',
    });
    for (const other of [
      new Uint8Array(),
      Buffer.from('a text of some length'),
      encodeLatentFile(draft).subarray(0, 99),
    ])
      expect(() => latentFactsOf(other)).toThrowError(
        expect.objectContaining({ code: 'latent/not-a-latent' }),
      );
  });

  it('keeps what a clip is drawn by, and refuses one of another size', () => {
    const clip = { ...finished, spread: randomNormal('5', shape) };
    expect(decodeLatentFile(encodeLatentFile(clip))).toEqual(clip);
    const other = { ...finished, spread: full([1, 2, 3, 4, 5], 1) };
    expect(() => decodeLatentFile(encodeLatentFile(other))).toThrowError('another size');
  });

  it('is refused when any byte of it was changed', () => {
    const bytes = encodeLatentFile(finished);
    for (let at = 0; at < bytes.byteLength; at++) {
      const flipped = bytes.slice();
      flipped[at] = flipped[at]! ^ 1;
      expect(() => decodeLatentFile(flipped), `byte ${at}`).toThrowError(/latent file|no latent|damaged/);
    }
  });

  it('is refused when it was cut', () => {
    const bytes = encodeLatentFile(draft);
    for (const length of [0, 7, 100, bytes.byteLength - 1]) {
      expect(() => decodeLatentFile(bytes.subarray(0, length))).toThrowError(/no latent file/);
    }
  });

  it('of another program says what it is not', () => {
    const bytes = encodeSafetensors({ tensors: { latent_tensor: finished.samples }, metadata: {} });
    expect(() => decodeLatentFile(bytes)).toThrowError('holds tensors, but no latent of Reelgraph');
  });
});

describe('save latent, load latent', () => {
  it('bring a draft from one run to another', async () => {
    const results = createFakeResults();
    const saved = await saveLatent.run({
      inputs: { latent: draft },
      params: { name: 'my draft' },
      ctx: createTestContext({ results }),
    });
    expect(saved.latent.file).toMatchObject({ name: 'my draft.safetensors' });
    const bytes = results.written.get('my draft.safetensors') ?? new Uint8Array();
    const ctx = createTestContext({ files: { read: async () => bytes } });
    const loaded = await loadLatent.run({ inputs: {}, params: { file: 'inputs/draft.safetensors' }, ctx });
    expect(loaded.latent).toEqual(draft);
  });

  it('say that no file is chosen', async () => {
    const { issues } = loadLatent.infer!({
      inputs: {},
      params: { file: '' },
      context: { models: new Map() },
    });
    expect(issues).toMatchObject([{ code: 'file/none-chosen', param: 'file' }]);
    await expect(
      loadLatent.run({ inputs: {}, params: { file: '' }, ctx: createTestContext() }),
    ).rejects.toMatchObject({ code: 'file/none-chosen' });
  });
});
