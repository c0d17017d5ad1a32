/** What uploaded files were called on the person's disk: the server names them by their content. */
import { z } from 'zod';
import type { KeyStorage } from './browser-storage.ts';

const storageKey = 'reelgraph.fileNames';
const keptNames = 200;
const namesSchema = z.record(z.string(), z.string());

export class FileNames {
  readonly #storage: KeyStorage;

  constructor(storage: KeyStorage) {
    this.#storage = storage;
  }

  keep(stored: string, original: string): void {
    const { [stored]: _, ...others } = this.#read();
    const names = [...Object.entries(others).slice(1 - keptNames), [stored, original.slice(0, 200)]];
    try {
      this.#storage.setItem(storageKey, JSON.stringify(Object.fromEntries(names)));
    } catch {
      // No room: the file goes by the start of its content's name.
    }
  }

  /** A name that a person can read: the one it came with, else the stored one in short. */
  labelOf(stored: string): string {
    const original = this.#read()[stored];
    if (original !== undefined) return shortened(original);
    const last = stored.split('/').at(-1) ?? stored;
    const hash = /^([0-9a-f]{8})[0-9a-f]{24,}(\.\w+)?$/.exec(last);
    return hash ? `${hash[1]}…${hash[2] ?? ''}` : shortened(last);
  }

  #read(): Record<string, string> {
    try {
      const names = namesSchema.safeParse(JSON.parse(this.#storage.getItem(storageKey) ?? '{}'));
      return names.success ? names.data : {};
    } catch {
      return {};
    }
  }
}

function shortened(name: string): string {
  return name.length > 26 ? `${name.slice(0, 14)}…${name.slice(-10)}` : name;
}
