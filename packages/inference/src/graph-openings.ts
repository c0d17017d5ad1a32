/**
 * Which graphs were opened in a throw-away process and how that went, remembered by the digest of their package: a
 * file of gigabytes is tried once, and not again by the next start or the next process.
 */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type OpenInChildOptions, type Opening, openInChild } from './open-in-child.ts';
import { writeMemory } from './package-digest.ts';

/** Another version of the runtime may open what this one does not, and the other way round. */
const runtime = 'onnxruntime-node 1.30.0';
const mostRemembered = 5000;

const memorySchema = z.object({
  version: z.literal(1),
  runtime: z.literal(runtime),
  /** `digest/file` -> how it went; a text goes on after the file's name. */
  graphs: z.record(z.string(), z.union([z.literal(true), z.string().max(500)])),
});
type Memory = Map<string, true | string>;

/** Of all services of this process that have the same memory. */
const memories = new Map<string, Memory>();

/** The file beside the one that remembers digests. */
export function openingsFileBeside(digestFile: string | undefined): string | undefined {
  return digestFile === undefined ? undefined : join(dirname(digestFile), 'model-openings.json');
}

export class GraphOpenings {
  readonly #memoryFile: string | undefined;

  /** @param memoryFile where to remember; without it only this process does */
  constructor(memoryFile?: string) {
    this.#memoryFile = memoryFile;
  }

  /**
   * Tries the graphs of a package that nobody has tried yet.
   *
   * @param digest of the package
   * @param files  paths of graphs in the package
   * @param options.anew also those that were refused before
   * @returns those that must not be opened, and why; the text goes on after the file's name
   */
  async refusedOf(
    folder: string,
    digest: string,
    files: readonly string[],
    { anew = false, ...options }: OpenInChildOptions & { readonly anew?: boolean } = {},
  ): Promise<ReadonlyMap<string, string>> {
    const memory = await this.#memory();
    const keyOf = (file: string) => `${digest}/${file}`;
    const untried = files.filter((file) => {
      const known = memory.get(keyOf(file));
      return known === undefined || (anew && known !== true);
    });
    const passing = new Map<string, string>();
    if (untried.length > 0) {
      const openings = await openInChild(
        untried.map((file) => join(folder, file)),
        options,
      );
      for (const file of untried) {
        const opening = openings.get(join(folder, file)) ?? notTried;
        memory.delete(keyOf(file));
        if (opening.kind === 'opened') memory.set(keyOf(file), true);
        else if (opening.isFinal) memory.set(keyOf(file), opening.message);
        else passing.set(file, opening.message);
      }
      await this.#save(memory, new Set(untried.map(keyOf)));
    }
    const refused = new Map(passing);
    for (const file of files) {
      const known = memory.get(keyOf(file));
      if (typeof known === 'string') refused.set(file, known);
    }
    return refused;
  }

  /** What is remembered of a package alone; tries nothing. */
  async rememberedRefusal(digest: string): Promise<{ file: string; message: string } | undefined> {
    // Another process tries the graphs: that of the runs.
    const memory = this.#memoryFile === undefined ? await this.#memory() : await this.#read();
    for (const [key, known] of memory)
      if (known !== true && key.startsWith(`${digest}/`))
        return { file: key.slice(digest.length + 1), message: known };
    return undefined;
  }

  async #memory(): Promise<Memory> {
    const name = this.#memoryFile ?? '';
    const known = memories.get(name) ?? (await this.#read());
    memories.set(name, known);
    return known;
  }

  async #read(): Promise<Memory> {
    if (this.#memoryFile === undefined) return new Map();
    const text = await readFile(this.#memoryFile, 'utf8').catch(() => '');
    try {
      const parsed = memorySchema.safeParse(JSON.parse(text));
      return new Map(parsed.success ? Object.entries(parsed.data.graphs) : []);
    } catch {
      return new Map();
    }
  }

  async #save(memory: Memory, tried: ReadonlySet<string>): Promise<void> {
    if (this.#memoryFile === undefined) return;
    for (const [key, known] of await this.#read())
      if (!memory.has(key) && !tried.has(key)) memory.set(key, known);
    const graphs = Object.fromEntries([...memory].slice(-mostRemembered));
    await writeMemory(this.#memoryFile, { version: 1, runtime, graphs });
  }
}

const notTried: Opening = { kind: 'refused', message: 'could not be tried', isFinal: false };
