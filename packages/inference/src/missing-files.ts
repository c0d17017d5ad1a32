/** Which files a package lacks: all of them, so that nobody fetches them one by one, from one complaint to the next. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkGraphFile, GraphFileError } from './graph-file.ts';
import { componentFilesSchema } from './model-config.ts';
import { type ModelPackage, readModelJson } from './model-package.ts';

/**
 * Paths below the package, sorted.
 *
 * @param components graphs that its family needs
 */
export async function missingFilesOf(
  { name, folder, manifest }: ModelPackage,
  components: readonly string[],
): Promise<readonly string[]> {
  const missing: string[] = [];
  for (const component of components) {
    const listed = manifest?.components[component]?.file;
    const graphs =
      manifest === undefined ? await graphsIn(name, folder, component) : listed === undefined ? [] : [listed];
    for (const graph of graphs) {
      if (!(await isThere(folder, graph))) missing.push(graph);
      else missing.push(...(await missingWeights(folder, graph)));
    }
  }
  const tokenizers = ['tokenizer/tokenizer.json'];
  for (const file of tokenizers) if (!(await isThere(folder, file))) missing.push(file);
  return [...new Set(missing)].sort();
}

async function graphsIn(name: string, folder: string, component: string): Promise<string[]> {
  const config = `${component}/config.json`;
  if (!(await isThere(folder, config))) return [`${component}/model.onnx`];
  const files = await readModelJson(name, folder, config, componentFilesSchema).catch(() => undefined);
  return Object.values(files?.files ?? { fp32: 'model.onnx' }).map((file) => `${component}/${file}`);
}

async function missingWeights(folder: string, graph: string): Promise<string[]> {
  try {
    await checkGraphFile(join(folder, graph));
    return [];
  } catch (error) {
    const [, file] =
      error instanceof GraphFileError ? (/^needs "(.+)", which is missing$/.exec(error.message) ?? []) : [];
    return file === undefined ? [] : [[...graph.split('/').slice(0, -1), file].join('/')];
  }
}

async function isThere(folder: string, file: string): Promise<boolean> {
  return (await stat(join(folder, file)).catch(() => undefined)) !== undefined;
}
