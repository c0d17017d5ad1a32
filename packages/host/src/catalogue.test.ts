import { cp, mkdtemp, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createModelService } from '@reelgraph/inference';
import { modelFolder } from '@reelgraph/toybox';
import { expect, it } from 'vitest';
import { catalogueOver } from './catalogue.ts';
import { folderStamp } from './folder-stamp.ts';

it('model packages are read anew only when a file of theirs changed', async () => {
  const root = await mkdtemp(join(tmpdir(), 'reelgraph-models-'));
  const service = await createModelService({ roots: [root] });
  let refreshes = 0;
  const models = {
    ...service,
    refresh: async () => {
      refreshes += 1;
      await service.refresh();
    },
  };
  const catalogue = catalogueOver(models, {
    modelRoots: [root],
    stamp: await folderStamp([root]),
    lookAgainMs: 0,
  });
  expect(await catalogue.listModels()).toEqual([]);
  expect(refreshes).toBe(0);

  await cp(modelFolder, join(root, 'copy'), { recursive: true });
  expect(await catalogue.listModels()).toMatchObject([{ status: 'ready' }]);
  await catalogue.listModels();
  expect(refreshes).toBe(1);

  await utimes(join(root, 'copy', 'model_index.json'), new Date(0), new Date(0));
  await catalogue.listModels();
  expect(refreshes).toBe(2);

  await catalogue.close();
  await rm(root, { recursive: true, force: true });
});
