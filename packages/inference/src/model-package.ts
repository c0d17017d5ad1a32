/**
 * A model package is a folder in diffusers' layout with ONNX graphs. This module finds packages, reads their
 * files and says what is wrong with one; it knows no family and opens no session.
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { NodeError } from '@reelgraph/node-api';
import type { z } from 'zod';
import { checkGraphFile, GraphFileError } from './graph-file.ts';
import {
  type ModelIndex,
  modelIndexSchema,
  type PackageManifest,
  packageManifestSchema,
} from './model-config.ts';

/** Larger JSON than any config or tokenizer has; a damaged file must not fill memory. */
const maxJsonBytes = 64 * 1024 * 1024;

/** A folder with a `model_index.json`, a `manifest.json` or both, read once. */
export interface ModelPackage {
  readonly name: string;
  /** Absolute path; never shown to users. */
  readonly folder: string;
  /** What the manifest says in its place, where there is none. */
  readonly index: ModelIndex;
  /** Absent in packages that have a folder with a `config.json` for every graph. */
  readonly manifest?: PackageManifest;
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
    throw damagedModel(name, file, unfitting(parsed.error));
  }
  return parsed.data;
}

/**
 * Checks that a graph is there, is one by its content and names no weights from elsewhere; whether it runs is known when
 * it is opened.
 *
 * @throws NodeError 'model/damaged'
 */
export async function checkOnnxFile(name: string, folder: string, file: string): Promise<void> {
  try {
    await checkGraphFile(join(folder, file));
  } catch (error) {
    if (error instanceof GraphFileError) throw damagedModel(name, file, error.message, error);
    throw damagedModel(name, file, isMissing(error) ? 'is missing' : 'cannot be read', error);
  }
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
      const found = await readPackage(folderName, folder);
      if (!packages.has(found.name)) packages.set(found.name, found);
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      broken.push({ name: folderName, folder, problem: error });
    }
  }
  return { packages: [...packages.values()], broken };
}

async function readPackage(folderName: string, folder: string): Promise<ModelPackage> {
  const hasManifest = await isThere(folder, manifestFile);
  const manifest = hasManifest
    ? await readModelJson(folderName, folder, manifestFile, packageManifestSchema)
    : undefined;
  if (manifest !== undefined && !(await isThere(folder, indexFile))) {
    const { family, pipeline = 'unknown', name: title, licence, recommended } = manifest;
    const reelgraph = {
      ...(family === undefined ? {} : { family }),
      ...(title === undefined ? {} : { title }),
      ...(licence === undefined ? {} : { licence }),
      ...(recommended === undefined ? {} : { recommended }),
    };
    return { name: folderName, folder, manifest, index: { _class_name: pipeline, reelgraph } };
  }
  const index = await readModelJson(folderName, folder, indexFile, modelIndexSchema);
  const name = index._name ?? folderName;
  return { name, folder, index, ...(manifest === undefined ? {} : { manifest }) };
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

/** A package has an index, or a manifest with graphs beside it; one whose index was lost is still known by its denoiser. */
async function looksLikePackage(folder: string): Promise<boolean> {
  if ((await isThere(folder, indexFile)) || (await isThere(folder, 'transformer'))) return true;
  if (!(await isThere(folder, manifestFile))) return false;
  const files = await readdir(folder);
  return files.some((file) => file.endsWith('.onnx'));
}

const indexFile = 'model_index.json';
const manifestFile = 'manifest.json';

async function isThere(folder: string, file: string): Promise<boolean> {
  return (await stat(join(folder, file)).catch(() => undefined)) !== undefined;
}

/** Whether the package has a graph of this role. */
export async function hasComponent({ folder, manifest }: ModelPackage, role: string): Promise<boolean> {
  if (manifest !== undefined) return Object.hasOwn(manifest.components, role);
  return isThere(folder, role);
}

/**
 * The config of a part, from the manifest or from the first of these files that is there.
 *
 * @param part  its name in the manifest's `config`
 * @param files paths below the package
 * @throws NodeError 'model/damaged' when it is nowhere or does not fit the schema
 */
export async function readPartConfig<T extends z.ZodType>(
  { name, folder, manifest }: ModelPackage,
  part: string,
  files: readonly string[],
  schema: T,
): Promise<z.output<T>> {
  const own = manifest?.config[part];
  if (own !== undefined) {
    const parsed = schema.safeParse(own);
    if (parsed.success) return parsed.data;
    throw damagedModel(name, manifestFile, unfitting(parsed.error, `config.${part}`));
  }
  for (const file of files) {
    if (await isThere(folder, file)) return readModelJson(name, folder, file, schema);
  }
  const where = manifest === undefined ? (files[0] ?? part) : manifestFile;
  throw damagedModel(name, where, manifest === undefined ? 'is missing' : `has no config of its ${part}`);
}

function unfitting({ issues: [issue] }: z.ZodError, within?: string): string {
  const path = [...(within === undefined ? [] : [within]), ...(issue?.path ?? [])];
  const place = path.length === 0 ? '' : ` at "${path.join('.')}"`;
  return `does not hold what is expected${place}: ${issue?.message ?? 'wrong form'}`;
}
