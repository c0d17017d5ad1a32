/** `reelgraph models list`: model packages that workflows can name. */
import { resolve } from 'node:path';
import { createCatalogue, dataFolderAt, modelRootsOf } from '@reelgraph/host';
import { exitCodes } from './exit-codes.ts';
import { formatBytes } from './format.ts';
import { dataFolderPath } from './places.ts';
import type { Output } from './reporters.ts';

export interface ModelsCommandOptions {
  readonly json?: boolean;
  readonly data?: string;
  readonly models: readonly string[];
}

/** Lists packages and answers the exit code. */
export async function modelsCommand(options: ModelsCommandOptions, output: Output): Promise<number> {
  const folder = dataFolderAt(dataFolderPath(options.data));
  const catalogue = await createCatalogue(
    modelRootsOf(
      folder,
      options.models.map((path) => resolve(path)),
    ),
  );
  const models = await catalogue.listModels();
  await catalogue.close();
  if (options.json) output.write(`${JSON.stringify(models, null, 2)}\n`);
  else if (models.length === 0)
    output.write(`No model packages. They are looked for in ${folder.modelsFolder}.\n`);
  for (const model of options.json ? [] : models) {
    const state =
      model.status === 'ready' ? formatBytes(model.byteLength) : `damaged: ${model.problem ?? 'unknown'}`;
    output.write(`${model.name}  ${model.title}  (${model.family}, ${model.licence}, ${state})\n`);
  }
  return exitCodes.ok;
}
