/** Model packages that do to their process what hostile and broken files have done: one that never answers, one that crashes it. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deepTextEncoder, endlessTextEncoder } from '@reelgraph/inference/testing';
import { projectRoot } from '../../support/server.ts';

const tiny = join(projectRoot, 'packages/inference/src/fixtures/tiny-toybox');

/** Writes the packages `endless` and `crashing` into `folder`. */
export async function writeHostileModels(folder: string): Promise<void> {
  await writePackage(folder, 'endless', endlessTextEncoder());
  await writePackage(folder, 'crashing', deepTextEncoder(3000));
}

async function writePackage(folder: string, name: string, textEncoder: Uint8Array): Promise<void> {
  const path = join(folder, name);
  await cp(tiny, path, { recursive: true });
  const index = join(path, 'model_index.json');
  await writeFile(index, (await readFile(index, 'utf8')).replace('"tiny-toybox"', JSON.stringify(name)));
  await writeFile(join(path, 'text_encoder', 'model.onnx'), textEncoder);
}
