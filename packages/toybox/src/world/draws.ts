import { mix32 } from '../mix32.ts';

/** Uniform numbers of a seed, one after another; the trainer draws the same. */
export class Draws {
  readonly #key: number;
  #counter = 0;

  /** `seed` is an integer, 0 <= seed < 2^32. */
  constructor(seed: number) {
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
      throw new RangeError(`A seed is an integer from 0 to ${2 ** 32 - 1}; this one is ${seed}.`);
    }
    this.#key = mix32(seed);
  }

  /** The next number in [0, 1). */
  next(): number {
    this.#counter = (this.#counter + 0x9e3779b9) >>> 0;
    return mix32(this.#key + this.#counter) / 2 ** 32;
  }

  /** The next number, in [low, high). */
  between(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** One of the values, all equally likely. */
  pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.next() * values.length)]!;
  }

  /** One of the names, as likely as its share; the shares sum to 1. */
  weighted<T extends string>(names: readonly T[], shares: Readonly<Record<T, number>>): T {
    let mark = this.next();
    for (const name of names.slice(0, -1)) {
      mark -= shares[name];
      if (mark < 0) return name;
    }
    return names[names.length - 1]!;
  }
}
