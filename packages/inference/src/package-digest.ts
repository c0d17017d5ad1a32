/**
 * What identifies a package's bytes: SHA-256 over its file names and their digests. Hashing gigabytes at every
 * start would be slow, so a file's digest is remembered by its identity (device, inode, size, times) in a small file: a
 * folder that is renamed or linked is not read again, a file that was touched is.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { NodeError } from '@reelgraph/node-api';
import { z } from 'zod';
import { identityOf } from './graph-file.ts';

const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/);
/** Identity -> digest, those learnt last at the end. */
const memorySchema = z.object({ version: z.literal(2), files: z.record(z.string(), sha256Schema) });
/** Files that are gone leave their digests behind; this many are kept. */
const mostRemembered = 20_000;

/** A file of a package and its size; the name uses `/` on every system. */
export interface PackageFile {
  readonly name: string;
  readonly byteLength: number;
}

/** Optional list of a package's files as published, in the form that `sha256sum -c` reads. */
export const checksumFile = 'SHA256SUMS';

/** What a package is made of at this moment. */
export interface PackageDigest {
  /** SHA-256, lower-case hex, over every file name and file. */
  readonly digest: string;
  /** SHA-256 of each file, by its name in the package. */
  readonly files: ReadonlyMap<string, string>;
}

/** How far hashing has come, in bytes of the files that have to be read; called at least once when there are any. */
export type HashProgress = (progress: { readonly done: number; readonly total: number }) => void;

export interface DigestOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: HashProgress | undefined;
  /** Reads every file, also those whose digest is remembered. */
  readonly anew?: boolean;
}

/** Deeper, and more, than any package is: links of a stranger may lead round, or fan out without end. */
const maxDepth = 8;
const maxFiles = 20_000;

/** The files of a package, sorted by name; hidden files, READMEs and checksums are not part of what a model computes. */
export async function listPackageFiles(folder: string): Promise<PackageFile[]> {
  const files: PackageFile[] = [];
  let looked = 0;
  const visit = async (prefix: string, depth: number): Promise<void> => {
    for (const entry of await readdir(join(folder, prefix))) {
      if (entry.startsWith('.') || entry.toLowerCase().endsWith('.md')) continue;
      if (entry === checksumFile) continue;
      const name = prefix === '' ? entry : `${prefix}/${entry}`;
      // Links are followed: downloads are folders of them. One that leads nowhere is a missing file, told where it is needed.
      const found = await stat(join(folder, name)).catch(() => undefined);
      if (++looked > maxFiles) throw tooManyFiles();
      if (found?.isFile()) files.push({ name, byteLength: found.size });
      else if (found?.isDirectory() && depth < maxDepth) await visit(name, depth + 1);
    }
  };
  await visit('', 1);
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Computes package digests and remembers the digests of files. */
export class PackageDigests {
  readonly #memoryFile: string | undefined;
  #known: Map<string, string> | undefined;

  /** @param memoryFile where to remember; without it only this object does */
  constructor(memoryFile?: string) {
    this.#memoryFile = memoryFile;
  }

  /** Digests of the package and its files; reads only files that changed since anybody last asked. */
  async digestOf(
    folder: string,
    { signal, onProgress, anew = false }: DigestOptions = {},
  ): Promise<PackageDigest> {
    await this.#load();
    const listed = await identify(folder);
    const unread = listed.filter(({ identity }) => anew || !this.#known?.has(identity));
    const total = unread.reduce((sum, { byteLength }) => sum + byteLength, 0);
    let done = 0;
    for (const { name, path, identity } of unread) {
      signal?.throwIfAborted();
      const sha256 = await hashFile(path, signal, (bytes) => {
        done += bytes;
        onProgress?.({ done, total });
      });
      const after = identityOf(await stat(path, { bigint: true }));
      // Written to meanwhile: what was read is no file that ever was.
      if (after !== identity) throw changedMeanwhile(name);
      this.#known?.set(identity, sha256);
    }
    if (unread.length > 0) await this.#save();
    const digest = this.#digestFrom(listed);
    if (digest === undefined) throw changedMeanwhile('its folder');
    return digest;
  }

  /** The same without reading any file: undefined when one of them has not been hashed yet. */
  async rememberedDigestOf(folder: string): Promise<PackageDigest | undefined> {
    await this.#load();
    const listed = await identify(folder);
    const digest = this.#digestFrom(listed);
    if (digest !== undefined || this.#memoryFile === undefined) return digest;
    // Another process, or another thread, may have hashed it meanwhile.
    for (const [identity, sha256] of await this.#read()) this.#known?.set(identity, sha256);
    return this.#digestFrom(listed);
  }

  #digestFrom(listed: readonly IdentifiedFile[]): PackageDigest | undefined {
    const hash = createHash('sha256');
    const files = new Map<string, string>();
    for (const { name, identity } of listed) {
      const sha256 = this.#known?.get(identity);
      if (sha256 === undefined) return undefined;
      files.set(name, sha256);
      hash.update(`${Buffer.byteLength(name)}:${name}:${sha256}\n`);
    }
    return { digest: hash.digest('hex'), files };
  }

  async #load(): Promise<void> {
    this.#known ??= await this.#read();
  }

  async #read(): Promise<Map<string, string>> {
    if (this.#memoryFile === undefined) return new Map();
    // Absent or damaged means nothing is remembered: the files are hashed again.
    const text = await readFile(this.#memoryFile, 'utf8').catch(() => '');
    const parsed = memorySchema.safeParse(parseJson(text));
    return new Map(parsed.success ? Object.entries(parsed.data.files) : []);
  }

  async #save(): Promise<void> {
    if (this.#memoryFile === undefined || this.#known === undefined) return;
    // Another process may have learnt something since this one looked.
    for (const [identity, sha256] of await this.#read())
      if (!this.#known.has(identity)) this.#known.set(identity, sha256);
    const kept = [...this.#known].slice(-mostRemembered);
    await writeMemory(this.#memoryFile, { version: 2, files: Object.fromEntries(kept) });
  }
}

function tooManyFiles(): NodeError {
  return new NodeError('model/damaged', `The folder of the model has more than ${maxFiles} files in it.`, {
    hint: 'Keep in it what belongs to the model, and no links that lead round.',
  });
}

function changedMeanwhile(what: string): NodeError {
  return new NodeError('model/changed', `The model changed while it was read: ${what}.`, {
    hint: 'Run again when nobody writes to its folder any more.',
  });
}

/** Best effort: a full or read-only disk costs the same work at the next start and nothing else. */
export async function writeMemory(path: string, content: object): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(temporary, JSON.stringify(content));
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

interface IdentifiedFile extends PackageFile {
  readonly path: string;
  readonly identity: string;
}

async function identify(folder: string): Promise<IdentifiedFile[]> {
  const files = await listPackageFiles(folder);
  return Promise.all(
    files.map(async (file) => {
      const path = join(folder, file.name);
      return { ...file, path, identity: identityOf(await stat(path, { bigint: true })) };
    }),
  );
}

async function hashFile(
  path: string,
  signal: AbortSignal | undefined,
  onBytes: (count: number) => void,
): Promise<string> {
  const hash = createHash('sha256');
  const count = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      onBytes(chunk.byteLength);
      yield chunk;
    }
  };
  await pipeline(
    createReadStream(path, { highWaterMark: 1 << 20 }),
    count,
    hash,
    signal === undefined ? {} : { signal },
  ).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw error;
  });
  return hash.digest('hex');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Files that differ from the checksums a package was published with, sorted; none when it has no list.
 *
 * Names that the list has and the package lacks count as different.
 */
export async function filesUnlikePublished(
  folder: string,
  files: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const text = await readFile(join(folder, checksumFile), 'utf8').catch(() => '');
  const different: string[] = [];
  for (const line of text.split('\n')) {
    const [, sha256, name] = /^([0-9a-f]{64}) [ *](?:\.\/)?(.+?)\r?$/.exec(line) ?? [];
    if (name === undefined || name.startsWith('.') || name.toLowerCase().endsWith('.md')) continue;
    if (files.get(name) !== sha256) different.push(name);
  }
  return different.sort();
}
