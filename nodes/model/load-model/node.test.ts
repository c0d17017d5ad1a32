import { createTestContext, fakeModelFacts } from '@reelgraph/node-api/testing';
import { describe, expect, it } from 'vitest';
import { loadModel } from './node.ts';

const models = new Map([['fake', fakeModelFacts]]);

describe('load-model', () => {
  it('tells the wire what the model can make', () => {
    const { outputs, issues } = loadModel.infer!({
      inputs: {},
      params: { model: 'fake' },
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
    const { issues } = loadModel.infer!({ inputs: {}, params: { model: 'wan' }, context: { models } });
    expect(issues).toMatchObject([
      {
        code: 'model/not-found',
        param: 'model',
        fix: { param: 'model', value: 'fake' },
        message: expect.stringContaining('there is fake'),
      },
    ]);
  });

  it('says what is wrong with a damaged one', () => {
    const damagedModels = new Map([
      ['toybox', 'Model "toybox" is damaged: transformer/model.onnx is missing.'],
    ]);
    const context = { models, damagedModels };
    const { issues } = loadModel.infer!({ inputs: {}, params: { model: 'toybox' }, context });
    expect(issues).toMatchObject([
      { code: 'model/damaged', message: expect.stringContaining('transformer/model.onnx is missing') },
    ]);
  });

  it('resolves the model, or fails as the service does', async () => {
    const ctx = createTestContext();
    expect(await loadModel.run({ inputs: {}, params: { model: 'fake' }, ctx })).toMatchObject({
      model: { name: 'fake' },
    });
    await expect(loadModel.run({ inputs: {}, params: { model: 'wan' }, ctx })).rejects.toMatchObject({
      code: 'model/not-found',
    });
  });
});
