import { createTestContext } from '@reelgraph/node-api/testing';
import { describe, expect, it } from 'vitest';
import { loadImage } from './node.ts';

describe('load-image', () => {
  it('reads the file its param names', async () => {
    const read: string[] = [];
    const files = {
      read: async (name: string) => {
        read.push(name);
        return Uint8Array.of(4, 255);
      },
    };
    const { image } = await loadImage.run({
      inputs: {},
      params: { file: 'inputs/a.png' },
      ctx: createTestContext({ files }),
    });
    expect(read).toEqual(['inputs/a.png']);
    expect(image.pixels.shape).toEqual([1, 3, 1, 4, 4]);
  });

  it('says that nothing is chosen, while wiring and when run', async () => {
    const { issues } = loadImage.infer!({ inputs: {}, params: { file: '' }, context: { models: new Map() } });
    expect(issues).toMatchObject([{ code: 'file/none-chosen', param: 'file' }]);
    const run = loadImage.run({ inputs: {}, params: { file: '' }, ctx: createTestContext() });
    await expect(run).rejects.toMatchObject({ code: 'file/none-chosen' });
  });

  it('knows the size of a picture that was looked at, and what becomes of its transparency', () => {
    const picture = {
      kind: 'image',
      mediaType: 'image/png',
      widthPx: 64,
      heightPx: 48,
      hasAlpha: true,
    } as const;
    const { outputs, issues } = loadImage.infer!({
      inputs: {},
      params: { file: 'a.png' },
      context: { models: new Map(), files: new Map([['a.png', picture]]) },
    });
    expect(outputs.image).toEqual({ widthPx: 64, heightPx: 48, hasAlpha: false });
    expect(issues).toMatchObject([{ code: 'load-image/transparent', severity: 'warning' }]);
  });

  it('passes on what is wrong with the file', async () => {
    const run = (files: { read(name: string): Promise<Uint8Array> }) =>
      loadImage.run({ inputs: {}, params: { file: 'x' }, ctx: createTestContext({ files }) });
    await expect(run(createTestContext().files)).rejects.toMatchObject({ code: 'file/not-found' });
    await expect(run({ read: async () => new Uint8Array() })).rejects.toMatchObject({
      code: 'media/not-an-image',
    });
  });
});
