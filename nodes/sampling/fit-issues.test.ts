import { describe, expect, it } from 'vitest';
import { fitIssues } from './fit-issues.ts';

const clip = { frameCount: 17, widthPx: 64, heightPx: 64 };
const model = { model: 'a', channels: 16 };
const all = {
  model,
  positive: { model: 'a' },
  negative: { model: 'a' },
  noise: clip,
  latent: { ...clip, ...model },
};

describe('what a denoising node is given', () => {
  it('fits when all is of one model and one clip, or not known', () => {
    expect(fitIssues(all)).toEqual([]);
    expect(fitIssues({ model, latent: {} })).toEqual([]);
  });

  it('the one value of another model is to be made with this one', () => {
    expect(fitIssues({ ...all, positive: { model: 'b' } })).toMatchObject([
      {
        code: 'denoise/wrong-model',
        port: 'positive',
        message: '"positive" was made with the model b, but this node runs a. Connect one model to both.',
        fix: { kind: 'same-source', port: 'positive', type: 'model', from: 'model' },
      },
    ]);
  });

  it('where all values agree, their model is to be connected', () => {
    const issues = fitIssues({ ...all, model: { model: 'b', channels: 16 }, noise: { ...clip, model: 'a' } });
    expect(issues.map(({ port, fix }) => [port, fix?.kind])).toEqual([
      ['positive', 'connect'],
      ['negative', 'connect'],
      ['noise', 'connect'],
      ['latent', 'connect'],
    ]);
  });

  it('a latent of other channels is refused though nobody knows its model', () => {
    expect(fitIssues({ model, latent: { ...clip, channels: 4 } })).toMatchObject([
      { code: 'denoise/wrong-channels', port: 'latent' },
    ]);
  });

  it('noise and pictures of another clip are refused', () => {
    const placed = { ...clip, frameCount: 9, hasKnownFrames: true, model: 'a' };
    expect(fitIssues({ ...all, noise: { ...clip, widthPx: 32 }, positive: placed })).toMatchObject([
      { code: 'denoise/wrong-size', port: 'noise' },
      { code: 'denoise/wrong-size', port: 'positive' },
    ]);
  });
});
