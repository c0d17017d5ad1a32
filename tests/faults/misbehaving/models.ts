/** A model package that does to its process what hostile and broken files have done: it never answers. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { endlessTextEncoder } from '@reelgraph/inference/testing';
import { projectRoot } from '../../support/server.ts';

const tiny = join(projectRoot, 'packages/inference/src/fixtures/tiny-toybox');

/** Writes the package `endless` into `folder`. */
export async function writeHostileModels(folder: string): Promise<void> {
  await writePackage(folder, 'endless', endlessTextEncoder());
}

async function writePackage(folder: string, name: string, textEncoder: Uint8Array): Promise<void> {
  const path = join(folder, name);
  await cp(tiny, path, { recursive: true });
  const index = join(path, 'model_index.json');
  await writeFile(index, (await readFile(index, 'utf8')).replace('"tiny-toybox"', JSON.stringify(name)));
  await writeFile(join(path, 'text_encoder', 'model.onnx'), textEncoder);
}
