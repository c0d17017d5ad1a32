/**
 * Every clip that diffusers made, made here through the engine and the shipped nodes from the prompt and the seed alone.
 * The differences are printed when all are done; see `stages.test.ts` for where one comes from.
 */
import { patchify } from '@reelgraph/diffusion';
import type { Tensor } from '@reelgraph/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowOf } from './case-workflow.ts';
import { asPictures, type GoldenCase, goldenCases, largestDifference } from './golden-case.ts';
import { createGoldenEngine, type GoldenEngine } from './golden-engine.ts';

// Float32 sums in another order, over all steps: an independent replay in NumPy differs by 2e-5 and 4e-5.
const latentTolerance = 1e-3;
const frameTolerance = 1 / 255;

let golden: GoldenEngine;
const table: string[] = [];
beforeAll(async () => {
  golden = await createGoldenEngine();
});
afterAll(async () => {
  await golden.close();
  console.log(['largest differences from diffusers', ...table].join('\n'));
});

/** As the case has them: in tokens, where its pipeline packs. */
function asRecorded(latent: Tensor<'float32'>, one: GoldenCase): { got: Float32Array; wanted: Float32Array } {
  if (one.has('final_latents')) return { got: latent.data, wanted: one.finalLatent().data };
  // Tokens of pictures stand in front of those of the clip, and are none of it.
  const wanted = one.read('final_latents_packed').data;
  return { got: patchify(latent, [1, 1, 1]).data, wanted: wanted.slice(-latent.data.length) };
}

it('has the reference clips of both families', () => {
  const names = goldenCases.map(({ model, name }) => `${model}/${name}`);
  expect(names).toEqual(
    expect.arrayContaining([
      'wan-t2v/unipc',
      'wan-t2v/euler',
      'wan-t2v/dpmpp2m',
      'wan-t2v/two-expert',
      'ltx/t2v',
      'ltx/t2v-rescale',
      'ltx/i2v',
      'ltx/condition',
    ]),
  );
});

describe.each(goldenCases.map((one) => [`${one.model}/${one.name}`, one] as const))('%s', (name, one) => {
  it('is the clip of diffusers', async () => {
    const workflow = workflowOf(one);
    expect(golden.check(workflow)).toEqual([]);
    const { latent, frames } = await golden.run(workflow, one.folder);
    const { got, wanted } = asRecorded(latent.samples, one);
    const ofLatent = largestDifference(got, wanted);
    const ofFrames = largestDifference(asPictures(frames.pixels), one.read('frames').data);
    table.push(`${name}: latents ${ofLatent.toExponential(1)}, frames ${ofFrames.toExponential(1)}`);
    expect(ofLatent).toBeLessThan(latentTolerance);
    expect(ofFrames).toBeLessThan(frameTolerance);
  });

  it('is another one with another seed, and the same when it is made again', async () => {
    const once = await golden.run(workflowOf(one), one.folder);
    const other = await golden.run(workflowOf(one, { noise: { seed: String(one.seed + 1) } }), one.folder);
    expect(largestDifference(other.latent.samples.data, once.latent.samples.data)).toBeGreaterThan(0.1);
    const again = await createGoldenEngine();
    try {
      const { latent, frames } = await again.run(workflowOf(one), one.folder);
      expect(latent.samples.data).toEqual(once.latent.samples.data);
      expect(frames.pixels.data).toEqual(once.frames.pixels.data);
    } finally {
      await again.close();
    }
  });
});
