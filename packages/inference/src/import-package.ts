/** Brings a package into a models folder: whole and verified, or not at all. */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { lstat, mkdir, open, readdir, realpath, rename, rm, stat, statfs, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { NodeError } from '@reelgraph/node-api';
import { describeFormat, type FileFormat, formatOfFile } from './file-format.ts';
import { checkGraphFile } from './graph-file.ts';
import { GraphOpenings, openingsFileBeside } from './graph-openings.ts';
import { damagedModel } from './model-package.ts';
import { createModelService } from './model-service.ts';
import { filesUnlikePublished, type HashProgress, PackageDigests } from './package-digest.ts';

export interface ImportOptions {
  /** Folder of the package. */
  readonly from: string;
  /** Folder of packages, made when it is not there. */
  readonly into: string;
  /** Leaves the package where it is, and a link to it. */
  readonly link?: boolean;
  /** See `ModelServiceOptions`. */
  readonly digestFile?: string;
  readonly signal?: AbortSignal;
  /** Bytes read: every file is read once to be copied, and once more to be verified. */
  readonly onProgress?: HashProgress;
}

export interface ImportedPackage {
  readonly name: string;
  readonly folder: string;
  readonly digest: string;
  /** Files that were not brought along, and what they are: "is a script". */
  readonly leftOut: ReadonlyMap<string, string>;
}

/** What no package needs, and nobody should have lying among models. */
const unwanted: ReadonlySet<FileFormat> = new Set([
  'pickle',
  'zip',
  'archive',
  'gguf',
  'hdf5',
  'script',
  'program',
]);
const unwantedNames = /\.(?:py|pyc|pyw|ipynb|js|mjs|cjs|ts|sh|bash|bat|cmd|ps1|exe|dll|so|dylib)$/i;

const temporaryPrefix = '.import-';
/** What an import that was killed has left is removed by a later one. */
const leftoverMs = 24 * 60 * 60 * 1000;

/**
 * @throws NodeError 'model/not-found' | 'model/damaged' | 'model/unknown-family' for a folder that is no usable package,
 *   'model/exists' | 'model/disk-full'; the signal's reason on abort. Nothing is left behind.
 */
export async function importPackage(options: ImportOptions): Promise<ImportedPackage> {
  const { signal, onProgress } = options;
  const { name, folder } = await findPackage(options.from);
  const target = join(options.into, name);
  if (await isThere(target)) {
    throw new NodeError('model/exists', `A model named "${name}" is in the models folder already.`, {
      hint: `Remove its folder "${name}" there first, if this one is to take its place.`,
    });
  }
  await mkdir(options.into, { recursive: true });
  await removeLeftovers(options.into);
  const digests = new PackageDigests(options.digestFile);
  const openings = new GraphOpenings(openingsFileBeside(options.digestFile));
  const { wanted, leftOut } = await sortFiles(folder);
  const total = 2 * wanted.reduce((sum, { byteLength }) => sum + byteLength, 0);

  /** Reads all of it, compares with the list of checksums, opens every graph. */
  async function verify(
    at: string,
    already: number,
  ): Promise<{ digest: string; files: ReadonlyMap<string, string> }> {
    const found = await digests.digestOf(at, {
      signal,
      onProgress: ({ done }) =>
        onProgress?.({ done: already + done, total: options.link ? total / 2 : total }),
    });
    const [changed] = await filesUnlikePublished(at, found.files);
    if (changed !== undefined)
      throw damagedModel(name, changed, 'does not have the bytes it was published with');
    const graphs = [...found.files.keys()].filter((file) => file.endsWith('.onnx'));
    const refused = await openings.refusedOf(
      at,
      found.digest,
      graphs,
      signal === undefined ? {} : { signal },
    );
    for (const [file, message] of refused) throw damagedModel(name, file, message);
    return found;
  }

  if (options.link === true) {
    const { digest } = await verify(folder, 0);
    await symlink(folder, target, 'dir');
    return { name, folder: target, digest, leftOut: new Map() };
  }

  await expectRoom(options.into, total / 2);
  const temporary = join(options.into, `${temporaryPrefix}${randomUUID()}`);
  try {
    let done = 0;
    const copied = new Map<string, string>();
    for (const { file } of wanted) {
      signal?.throwIfAborted();
      const sha256 = await copyHashed(join(folder, file), join(temporary, file), signal, (bytes) => {
        done += bytes;
        onProgress?.({ done, total });
      });
      copied.set(file, sha256);
    }
    const { digest, files } = await verify(temporary, total / 2);
    for (const [file, sha256] of files) {
      if (copied.get(file) === sha256) continue;
      throw damagedModel(name, file, 'was not written as it was read; the disk may be failing');
    }
    await syncFolder(temporary);
    await rename(temporary, target);
    await syncFolder(options.into);
    return { name, folder: target, digest, leftOut };
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    if (error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT'))
      throw diskFull(name, error);
    throw error;
  }
}

/** The package at a folder, usable or refused by its licence alone. */
async function findPackage(from: string): Promise<{ name: string; folder: string }> {
  const folder = await realpath(from).catch(() => undefined);
  if (folder === undefined || !(await stat(folder)).isDirectory()) {
    throw new NodeError('model/not-found', 'There is no folder of this name to import.', {
      hint: 'Name the folder of a model package. Archives are not opened: unpack them first.',
    });
  }
  const models = await createModelService({ roots: [folder], threads: 1 });
  const found = models.installed();
  const [model] = found;
  await models.dispose();
  if (model === undefined || found.length > 1 || model.folder !== folder) {
    throw new NodeError('model/not-found', 'The folder is no model package.', {
      hint:
        found.length === 0
          ? 'A package has a model_index.json or a manifest.json, and ONNX graphs.'
          : `There are packages in it: ${found.map(({ name }) => name).join(', ')}. Import them one by one.`,
    });
  }
  if (model.status === 'damaged') {
    const message = model.problem ?? `Model "${model.name}" cannot be used.`;
    throw new NodeError('model/damaged', message, model.hint === undefined ? {} : { hint: model.hint });
  }
  return { name: model.name, folder };
}

async function sortFiles(folder: string): Promise<{
  wanted: { readonly file: string; readonly byteLength: number }[];
  leftOut: Map<string, string>;
}> {
  const wanted: { file: string; byteLength: number }[] = [];
  const leftOut = new Map<string, string>();
  const all: string[] = [];
  const visit = async (prefix: string, depth: number): Promise<void> => {
    for (const { name } of await readdir(join(folder, prefix), { withFileTypes: true })) {
      if (name.startsWith('.')) continue;
      const file = prefix === '' ? name : `${prefix}/${name}`;
      const found = await stat(join(folder, file)).catch(() => undefined);
      if (found?.isDirectory() && depth < 8) await visit(file, depth + 1);
      else if (found?.isFile()) all.push(file);
    }
  };
  await visit('', 0);
  // Weights are raw numbers, which may begin like anything: they are known by the graphs that name them.
  const weights = new Set<string>();
  for (const file of all.filter((name) => name.endsWith('.onnx'))) {
    const { externalFiles } = await checkGraphFile(join(folder, file)).catch(() => ({ externalFiles: [] }));
    for (const weight of externalFiles) weights.add(join(dirname(file), weight).replaceAll('\\', '/'));
  }
  for (const file of all.sort()) {
    const handle = await open(join(folder, file));
    try {
      const { format, byteLength } = await formatOfFile(handle);
      if (!weights.has(file) && format !== 'onnx' && unwanted.has(format))
        leftOut.set(file, describeFormat(format));
      else if (unwantedNames.test(file)) leftOut.set(file, describeFormat('script'));
      else wanted.push({ file, byteLength });
    } finally {
      await handle.close();
    }
  }
  return { wanted, leftOut };
}

/** Copies and answers the digest of what was read. */
async function copyHashed(
  from: string,
  to: string,
  signal: AbortSignal | undefined,
  onBytes: (count: number) => void,
): Promise<string> {
  await mkdir(dirname(to), { recursive: true });
  const hash = createHash('sha256');
  const watch = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      hash.update(chunk);
      onBytes(chunk.byteLength);
      yield chunk;
    }
  };
  await pipeline(
    createReadStream(from, { highWaterMark: 1 << 20 }),
    watch,
    createWriteStream(to, { flags: 'wx', flush: true }),
    signal === undefined ? {} : { signal },
  ).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
  return hash.digest('hex');
}

async function expectRoom(folder: string, byteLength: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize < byteLength) throw diskFull('', undefined);
}

function diskFull(name: string, cause: unknown): NodeError {
  const what = name === '' ? 'The model' : `Model "${name}"`;
  return new NodeError('model/disk-full', `${what} does not fit onto the disk of the models folder.`, {
    hint: 'Make room, or leave it where it is and import it with --link.',
    ...(cause === undefined ? {} : { cause }),
  });
}

async function removeLeftovers(into: string): Promise<void> {
  for (const entry of await readdir(into)) {
    if (!entry.startsWith(temporaryPrefix)) continue;
    const found = await lstat(join(into, entry)).catch(() => undefined);
    if (found !== undefined && Date.now() - found.mtimeMs > leftoverMs)
      await rm(join(into, entry), { recursive: true, force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}

/** Names in a folder outlast a power cut only when the folder itself is written. Not every system can be asked to. */
async function syncFolder(path: string): Promise<void> {
  const handle = await open(path).catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
