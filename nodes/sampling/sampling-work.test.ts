import { expect, it } from 'vitest';
import { denoise } from './denoise/node.ts';
import { samplingWork } from './sampling-work.ts';

const recommended = {
  steps: 24,
  guidanceScale: 3,
  sampler: 'euler',
  fps: 8,
  frameCount: 17,
  widthPx: 64,
  heightPx: 64,
};
const model = {
  name: 'tiny',
  family: 'toybox',
  latentChannels: 24,
  vaeScale: { spatial: 8, temporal: 4 },
  sizeMultiple: 16,
  frameRule: { multiple: 4, plus: 1 },
  maxTextTokens: 80,
  defaultShift: 1,
  recommended,
  variants: { fast: { ...recommended, steps: 4, guidanceScale: 1 } },
};
const latent = { widthPx: 64, heightPx: 96, frameCount: 17 };

it('counts model calls, the places of the latent that they see, and their pairs', () => {
  // 17 frames are 5 of the latent, 64×96 pixels 8×12 places.
  const places = 2 * 5 * 8 * 12;
  const work = samplingWork({ model, latent, steps: 10, branches: 2, sampler: 'euler' });
  expect(work?.time).toEqual({ places: 10 * places, calls: 10, pairs: (10 * places * places) / 2 });
  expect(samplingWork({ model, latent, steps: 10, branches: 2, sampler: 'heun' })?.time.calls).toBe(19);
});

it('does not know what nobody told', () => {
  const known = { model, latent, steps: 10, branches: 2, sampler: 'euler' };
  for (const missing of [{ model: undefined }, { steps: undefined }, { latent: { widthPx: 64 } }])
    expect(samplingWork({ ...known, ...missing })).toBeUndefined();
});

const context = { models: new Map([['tiny', model]]) };
const workWith = (params: { guidanceScale: number; sampler: string }, variant?: string) =>
  denoise.work?.({
    inputs: {
      model: { model: 'tiny', ...(variant === undefined ? {} : { variant }) },
      sigmas: { steps: 8 },
      latent,
    },
    outputs: {},
    params,
    context,
  });

it.each([
  ['guidance', { guidanceScale: 4, sampler: 'auto' }, undefined, 2],
  ["the model's own guidance", { guidanceScale: 0, sampler: 'auto' }, undefined, 2],
  ['no guidance', { guidanceScale: 1, sampler: 'auto' }, undefined, 1],
  ["the variant's own guidance", { guidanceScale: 0, sampler: 'auto' }, 'fast', 1],
] as const)('with %s a step looks at the clip as often as it must', (_, params, variant, branches) => {
  expect(workWith(params, variant)?.time.places).toBe(8 * branches * 5 * 8 * 12);
});

it('a draft counts the steps that it takes', () => {
  const work = denoise.work?.({
    inputs: { model: { model: 'tiny' }, sigmas: { steps: 8, stepsDone: 3 }, latent },
    outputs: {},
    params: { guidanceScale: 1, sampler: 'euler' },
    context,
  });
  expect(work?.time.calls).toBe(3);
});
