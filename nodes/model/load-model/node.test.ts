import { createTestContext, fakeModelFacts } from '@reelgraph/node-api/testing';
import { describe, expect, it } from 'vitest';
import { loadModel } from './node.ts';

const models = new Map([['fake', fakeModelFacts]]);

describe('load-model', () => {
  it('tells the wire what the model can make', () => {
    const { outputs, issues } = loadModel.infer!({
      inputs: {},
      params: { model: 'fake', variant: 'base', precision: 'auto' },
      context: { models },
    });
    expect(outputs.model).toEqual({
      family: 'toybox',
      model: 'fake',
      channels: 2,
      frameRule: { multiple: 4, plus: 1 },
      sizeMultiple: 16,
    });
    expect(issues).toEqual([]);
  });

  it('offers an installed model when the named one is not there', () => {
    const { issues } = loadModel.infer!({
      inputs: {},
      params: { model: 'wan', variant: 'base', precision: 'auto' },
      context: { models },
    });
    expect(issues).toMatchObject([
      {
        code: 'model/not-found',
        param: 'model',
        fix: { param: 'model', value: 'fake', isChoice: true },
        message: expect.stringContaining('there is fake'),
      },
    ]);
  });

  it('of the family that the missing one is named after, another is no choice of a person’s', () => {
    const both = new Map([
      ['fake', fakeModelFacts],
      ['wan-small', { ...fakeModelFacts, name: 'wan-small', family: 'wan' }],
    ]);
    const { issues } = loadModel.infer!({
      inputs: {},
      params: { model: 'wan2.1-14b', variant: 'base', precision: 'auto' },
      context: { models: both },
    });
    expect(issues.map(({ fix }) => fix)).toEqual([
      { label: 'Use wan-small', param: 'model', value: 'wan-small' },
    ]);
  });

  it('says what is wrong with a damaged one', () => {
    const damagedModels = new Map([
      ['toybox', 'Model "toybox" is damaged: transformer/model.onnx is missing.'],
    ]);
    const context = { models, damagedModels };
    const { issues } = loadModel.infer!({
      inputs: {},
      params: { model: 'toybox', variant: 'base', precision: 'auto' },
      context,
    });
    expect(issues).toMatchObject([
      { code: 'model/damaged', message: expect.stringContaining('transformer/model.onnx is missing') },
    ]);
  });

  it('says why one is refused by its licence, and offers one that is not', () => {
    const why = 'Model "toybox" is not for commercial use: the licence of its transformer forbids it.';
    const { issues } = loadModel.infer!({
      inputs: {},
      params: { model: 'toybox', variant: 'base', precision: 'auto' },
      context: { models, refusedModels: new Map([['toybox', why]]) },
    });
    expect(issues).toMatchObject([{ code: 'model/licence', message: why, fix: { value: 'fake' } }]);
  });

  it('passes the variant on, or offers what the package has', () => {
    const fast = { ...fakeModelFacts.recommended, steps: 2, guidanceScale: 1 };
    const infer = (params: { variant: string; precision: string }, facts = fakeModelFacts) =>
      loadModel.infer!({
        inputs: {},
        params: { model: 'fake', ...params },
        context: { models: new Map([['fake', facts]]) },
      });
    const asked = { variant: 'fast', precision: 'int8' };
    const whole = { ...fakeModelFacts, variants: { fast }, precisions: ['fp32', 'int8'] };
    expect(infer(asked, whole)).toMatchObject({ outputs: { model: { variant: 'fast' } }, issues: [] });
    expect(infer(asked).issues).toMatchObject([
      { code: 'model/no-variant', param: 'variant', fix: { value: 'base' } },
      { code: 'model/no-precision', param: 'precision', fix: { value: 'auto' } },
    ]);
  });

  it('resolves the model, or fails as the service does', async () => {
    const ctx = createTestContext();
    expect(
      await loadModel.run({ inputs: {}, params: { model: 'fake', variant: 'base', precision: 'auto' }, ctx }),
    ).toMatchObject({
      model: { name: 'fake' },
    });
    await expect(
      loadModel.run({ inputs: {}, params: { model: 'wan', variant: 'base', precision: 'auto' }, ctx }),
    ).rejects.toMatchObject({
      code: 'model/not-found',
    });
  });
});
