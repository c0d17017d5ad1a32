/**
 * A model package is a folder in diffusers' layout with ONNX graphs. This module finds packages, reads their
 * files and says what is wrong with one; it knows no family and opens no session.
 */
import { open, readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { NodeError } from '@reelgraph/node-api';
import type { z } from 'zod';
import { type ModelIndex, modelIndexSchema } from './model-config.ts';

/** Larger JSON than any config or tokenizer has; a damaged file must not fill memory. */
const maxJsonBytes = 64 * 1024 * 1024;

/** A folder with a `model_index.json`, read once. */
export interface ModelPackage {
  readonly name: string;
  /** Absolute path; never shown to users. */
  readonly folder: string;
  readonly index: ModelIndex;
}

/**
 * The error for a package that cannot be used, naming the file by its path inside the package.
 *
 * @param found what is there instead of what is expected
 */
export function damagedModel(name: string, file: string, found: string, cause?: unknown): NodeError {
  return new NodeError('model/damaged', `Model "${name}" is damaged: ${file} ${found}.`, {
    hint: `Restore ${file} from where the model came from, or remove the model's folder and install it again.`,
    ...(cause === undefined ? {} : { cause }),
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/**
 * Reads and checks a JSON file of a package.
 *
 * @throws NodeError 'model/damaged' when it is missing, no JSON, or lacks what the schema asks for
 */
export async function readModelJson<T extends z.ZodType>(
  name: string,
  folder: string,
  file: string,
  schema: T,
): Promise<z.output<T>> {
  const path = join(folder, file);
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > maxJsonBytes)
      throw damagedModel(name, file, `has ${size} bytes, more than such a file can have`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof NodeError) throw error;
    throw damagedModel(name, file, isMissing(error) ? 'is missing' : 'cannot be read', error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw damagedModel(name, file, 'is not valid JSON', cause);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const place = issue === undefined || issue.path.length === 0 ? '' : ` at "${issue.path.join('.')}"`;
    throw damagedModel(
      name,
      file,
      `does not hold what is expected${place}: ${issue?.message ?? 'wrong form'}`,
    );
  }
  return parsed.data;
}

/**
 * Checks that a graph is there and begins like one; whether it runs is known when it is opened.
 *
 * @throws NodeError 'model/damaged'
 */
export async function checkOnnxFile(name: string, folder: string, file: string): Promise<void> {
  let head: Buffer;
  try {
    const handle = await open(join(folder, file));
    try {
      const buffer = Buffer.alloc(16);
      const { bytesRead } = await handle.read(buffer, 0, 16, 0);
      head = buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw damagedModel(name, file, isMissing(error) ? 'is missing' : 'cannot be read', error);
  }
  if (head.length === 0) throw damagedModel(name, file, 'is empty');
  // ModelProto starts with field 1 (ir_version, a varint): tag byte 0x08.
  if (head.length < 16 || head[0] !== 0x08) throw damagedModel(name, file, 'is not an ONNX graph');
}

/** A folder that should hold a package but does not. */
export interface BrokenPackage {
  readonly name: string;
  readonly folder: string;
  readonly problem: NodeError;
}

/**
 * Finds packages: every root that is one itself, and every direct subfolder of a root that is one.
 *
 * A root that does not exist has no packages. Of two packages with one name the first found counts.
 */
export async function findModelPackages(
  roots: readonly string[],
): Promise<{ packages: ModelPackage[]; broken: BrokenPackage[] }> {
  const packages = new Map<string, ModelPackage>();
  const broken: BrokenPackage[] = [];
  for (const folder of await candidateFolders(roots)) {
    const folderName = basename(folder);
    try {
      const index = await readModelJson(folderName, folder, 'model_index.json', modelIndexSchema);
      const name = index._name ?? folderName;
      if (!packages.has(name)) packages.set(name, { name, folder, index });
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      broken.push({ name: folderName, folder, problem: error });
    }
  }
  return { packages: [...packages.values()], broken };
}

async function candidateFolders(roots: readonly string[]): Promise<string[]> {
  const folders: string[] = [];
  for (const root of roots) {
    if (await looksLikePackage(root)) {
      folders.push(await realpath(root));
      continue;
    }
    const entries = await readdir(root, { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const folder = join(root, entry.name);
      if (!entry.name.startsWith('.') && (await looksLikePackage(folder)))
        folders.push(await realpath(folder));
    }
  }
  return folders;
}

/** A package has an index; one whose index was lost is still known by its denoiser. */
async function looksLikePackage(folder: string): Promise<boolean> {
  for (const file of ['model_index.json', 'transformer']) {
    const found = await stat(join(folder, file)).catch(() => undefined);
    if (found !== undefined) return true;
  }
  return false;
}
