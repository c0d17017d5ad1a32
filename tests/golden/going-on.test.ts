/** Drafts, cancels and crashes of the families that are exported: what is left of a clip gives its very bits. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { workflowOf } from './case-workflow.ts';
import { type GoldenCase, goldenCases } from './golden-case.ts';
import { createGoldenEngine, type GoldenEngine } from './golden-engine.ts';

let golden: GoldenEngine;
beforeAll(async () => {
  golden = await createGoldenEngine();
});
afterAll(() => golden.close());

/** The workflow of a case with a stop after two steps and a node that goes on. */
function inTwoParts(one: GoldenCase) {
  const workflow = workflowOf(one, { scheduler: { stopAfter: 2 } });
  workflow.nodes.rest = { type: 'continue-denoise', version: 1, params: {} };
  for (const edge of workflow.edges) if (edge.from[0] === 'denoise') edge.from = ['rest', 'latent'];
  workflow.edges.push({ from: ['model', 'model'], to: ['rest', 'model'] });
  workflow.edges.push({ from: ['denoise', 'latent'], to: ['rest', 'latent'] });
  return workflow;
}

describe.each(goldenCases.map((one) => [`${one.model}/${one.name}`, one] as const))('%s', (_, one) => {
  it('stopped and gone on with it is the same to the bit', async () => {
    const whole = await golden.run(workflowOf(one), one.folder);
    const parts = await golden.run(inTwoParts(one), one.folder);
    expect(parts.latent.samples.data).toEqual(whole.latent.samples.data);
    expect(parts.frames.pixels.data).toEqual(whole.frames.pixels.data);
  });

  it('a draft can be looked at', async () => {
    const { latent, frames } = await golden.run(workflowOf(one, { scheduler: { stopAfter: 2 } }), one.folder);
    expect(latent.unfinished?.step).toBe(2);
    expect(frames.pixels.shape).toEqual([1, 3, one.num_frames, one.height, one.width]);
  });

  it('ends with the step at work when it is cancelled', async () => {
    const stop = new AbortController();
    const again = workflowOf(one, { noise: { seed: '424242' } });
    const result = await golden.tryRun(again, stop.signal, (step) => {
      if (step === 1) stop.abort();
    });
    expect(result.status).toBe('cancelled');
  });
});

describe('a picture for a model without an encoder', () => {
  it('is refused by the check', () => {
    const one = goldenCases.find(({ model }) => model === 'wan-t2v');
    if (one === undefined) throw new Error('There is no case of wan-t2v.');
    const pictures = [{ image: 'image_0.png', frame_index: 0, strength: 1 }];
    expect(golden.check(workflowOf({ ...one, pictures })).join()).toContain('makes clips of text only');
  });
});

describe('pictures for a model that makes clips of them', () => {
  const oneOf = (model: string) => {
    const one = goldenCases.find((each) => each.model === model);
    if (one === undefined) throw new Error(`There is no case of ${model}.`);
    return one;
  };
  const at = (...frames: number[]) =>
    frames.map((frame) => ({ image: 'image_0.png', frame_index: frame, strength: 1 }));

  it.each([
    ['wan-i2v', at(), /needs one as the first frame/],
    ['wan-i2v', at(4), /as its first frame only/],
    ['wan-i2v', at(0, 8), /as its first frame only/],
    ['wan-flf2v', at(), /needs one as the first and one as the last frame/],
    ['wan-flf2v', at(0), /needs one as the last frame/],
    ['wan-flf2v', at(0, 4, 8), /as its first or last frame only/],
  ])(
    'are refused by the check where it has no place for them, or lacks one: %s %o',
    (model, pictures, says) => {
      const workflow = workflowOf({ ...oneOf(model), num_frames: 9, pictures });
      expect(golden.check(workflow).join()).toMatch(says);
    },
  );

  it.each([
    ['wan-i2v', at(), /needs a picture as its first frame/],
    ['wan-i2v', at(4), /needs a picture as its first frame/],
    ['wan-flf2v', at(8), /needs two pictures/],
  ])('are refused by a run that was not checked: %s %o', async (model, pictures, says) => {
    const one = { ...oneOf(model), num_frames: 9, pictures };
    await expect(golden.run(workflowOf(one), one.folder)).rejects.toThrow(says);
  });

  it('may be placed in any order', async () => {
    const one = oneOf('wan-flf2v');
    const there = await golden.run(workflowOf(one), one.folder);
    const back = await golden.run(workflowOf({ ...one, pictures: one.pictures.toReversed() }), one.folder);
    expect(back.latent.samples.data).toEqual(there.latent.samples.data);
  });

  it('are seen: another one gives another clip', async () => {
    const one = oneOf('wan-flf2v');
    const there = await golden.run(workflowOf(one), one.folder);
    const pictures = [...one.pictures.slice(0, 1), ...at(8)];
    const other = await golden.run(workflowOf({ ...one, pictures }), one.folder);
    expect(other.latent.samples.data).not.toEqual(there.latent.samples.data);
  });
});

describe('sizes off the grid', () => {
  it.each([
    ['wan-t2v', { frames: 10, width: 48, height: 32 }, /4n|1, 5, 9/],
    ['wan-t2v', { frames: 9, width: 40, height: 32 }, /multiple of 16/],
    ['ltx', { frames: 10, width: 64, height: 32 }, /1, 9, 17/],
    ['ltx', { frames: 9, width: 60, height: 32 }, /multiple of 8/],
  ])('are refused by the check: %s %o', (model, latent, message) => {
    const one = goldenCases.find((each) => each.model === model);
    if (one === undefined) throw new Error(`There is no case of ${model}.`);
    expect(golden.check(workflowOf(one, { latent })).join()).toMatch(message);
  });
});
