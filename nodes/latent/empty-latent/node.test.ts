import { createTestContext, fakeModelRef as model } from '@reelgraph/node-api/testing';
import { describe, expect, it } from 'vitest';
import { emptyLatent } from './node.ts';

const facts = {
  model: 'fake',
  family: 'toybox',
  channels: 2,
  frameRule: { multiple: 4, plus: 1 },
  sizeMultiple: 16,
};
const infer = (params: { frames: number; width: number; height: number }) =>
  emptyLatent.infer!({ inputs: { model: facts }, params, context: { models: new Map() } });

describe('empty-latent', () => {
  it('makes zeros in the shape the model needs', async () => {
    const { latent } = await emptyLatent.run({
      inputs: { model },
      params: { frames: 17, width: 64, height: 48 },
      ctx: createTestContext(),
    });
    expect(latent.samples.shape).toEqual([1, 2, 5, 6, 8]);
    expect(latent).toMatchObject({ model: 'fake', frameCount: 17, widthPx: 64, heightPx: 48 });
  });

  it('labels the wire', () => {
    expect(infer({ frames: 17, width: 64, height: 48 })).toEqual({
      outputs: { latent: { ...facts, frameCount: 17, widthPx: 64, heightPx: 48 } },
      issues: [],
    });
  });

  it('offers the nearest length and sizes the model can make', () => {
    const { issues } = infer({ frames: 80, width: 70, height: 63 });
    expect(issues).toMatchObject([
      { code: 'latent/frame-count', fix: { param: 'frames', value: 81 } },
      { code: 'latent/size', fix: { param: 'width', value: 64 } },
      { code: 'latent/size', fix: { param: 'height', value: 64 } },
    ]);
    expect(issues[0]?.message).toBe(
      'This model makes clips of 1, 5, 9 … frames, not 80. Near it are 77 and 81.',
    );
  });

  it('refuses a clip that no memory holds, and offers the longest that fits', () => {
    const { issues } = infer({ frames: 1025, width: 4096, height: 4096 });
    expect(issues).toMatchObject([{ code: 'latent/too-large', fix: { param: 'frames', value: 5 } }]);
    expect(infer({ frames: 5, width: 4096, height: 4096 }).issues).toEqual([]);
  });

  it('refuses the same when run without having been checked', () => {
    const run = () =>
      emptyLatent.run({
        inputs: { model },
        params: { frames: 80, width: 64, height: 64 },
        ctx: createTestContext(),
      });
    expect(run).toThrowError(expect.objectContaining({ code: 'latent/frame-count', hint: 'Use 81 frames.' }));
  });

  it('stays quiet while the model is not known', () => {
    const params = { frames: 80, width: 70, height: 63 };
    expect(emptyLatent.infer!({ inputs: {}, params, context: { models: new Map() } }).issues).toEqual([]);
  });
});
