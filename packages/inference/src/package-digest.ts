/**
 * What identifies a package's bytes: SHA-256 over its file names and their digests. Hashing gigabytes at every
 * start would be slow, so a file's digest is remembered by its identity (size, times, inode) in a small file.
 */
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';

const memorySchema = z.object({
  version: z.literal(1),
  files: z.record(z.string(), z.object({ identity: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })),
});

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

/** The files of a package, sorted by name; hidden files, READMEs and checksums are not part of what a model computes. */
export async function listPackageFiles(folder: string): Promise<PackageFile[]> {
  const files: PackageFile[] = [];
  const visit = async (prefix: string): Promise<void> => {
    for (const entry of await readdir(join(folder, prefix), { withFileTypes: true })) {
      if (entry.name.startsWith('.') || entry.name.toLowerCase().endsWith('.md')) continue;
      if (entry.name === checksumFile) continue;
      const name = prefix === '' ? entry.name : `${prefix}/${entry.name}`;
      if (entry.isDirectory()) await visit(name);
      else files.push({ name, byteLength: (await stat(join(folder, name))).size });
    }
  };
  await visit('');
  return files.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Computes package digests and remembers the digests of files. */
export class PackageDigests {
  readonly #memoryFile: string | undefined;
  #known: Map<string, { identity: string; sha256: string }> | undefined;

  /** @param memoryFile where to remember; without it only this object does */
  constructor(memoryFile?: string) {
    this.#memoryFile = memoryFile;
  }

  /** Digests of the package and its files; reads only files that changed since it was last asked. */
  async digestOf(folder: string, signal?: AbortSignal): Promise<PackageDigest> {
    const known = await this.#load();
    const hash = createHash('sha256');
    const files = new Map<string, string>();
    let learnt = false;
    for (const { name } of await listPackageFiles(folder)) {
      signal?.throwIfAborted();
      const path = join(folder, name);
      const found = await stat(path, { bigint: true });
      const identity = `${found.size}:${found.mtimeNs}:${found.ctimeNs}:${found.ino}`;
      let sha256 = known.get(path)?.identity === identity ? known.get(path)?.sha256 : undefined;
      if (sha256 === undefined) {
        sha256 = await hashFile(path, signal);
        known.set(path, { identity, sha256 });
        learnt = true;
      }
      files.set(name, sha256);
      hash.update(`${Buffer.byteLength(name)}:${name}:${sha256}\n`);
    }
    if (learnt) await this.#save(known);
    return { digest: hash.digest('hex'), files };
  }

  async #load(): Promise<Map<string, { identity: string; sha256: string }>> {
    if (this.#known !== undefined) return this.#known;
    this.#known = new Map();
    if (this.#memoryFile !== undefined) {
      // Absent or damaged means nothing is remembered: the files are hashed again.
      const text = await readFile(this.#memoryFile, 'utf8').catch(() => '');
      const parsed = memorySchema.safeParse(parseJson(text));
      if (parsed.success) this.#known = new Map(Object.entries(parsed.data.files));
    }
    return this.#known;
  }

  async #save(known: Map<string, { identity: string; sha256: string }>): Promise<void> {
    if (this.#memoryFile === undefined) return;
    const temporary = `${this.#memoryFile}.${randomUUID()}.tmp`;
    try {
      await mkdir(dirname(this.#memoryFile), { recursive: true });
      await writeFile(temporary, JSON.stringify({ version: 1, files: Object.fromEntries(known) }));
      await rename(temporary, this.#memoryFile);
    } catch {
      // A full or read-only disk costs a second of hashing at the next start and nothing else.
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}

async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(
    createReadStream(path, { highWaterMark: 1 << 20 }),
    hash,
    signal === undefined ? {} : { signal },
  );
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
