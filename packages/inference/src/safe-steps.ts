/**
 * How far a sampling is safe from the end of the process: said by the thread that saves its steps, and waited for by
 * the thread that takes them, so that no step ends before the one before it is saved. In memory that both see: a word
 * that is there in time, as it is where a step takes longer than a save, costs nothing.
 */

/** All of them: nobody saves any more, or nobody waits for the sampling. */
const everyStep = 2 ** 31 - 1;
/**
 * What a slow disk may hold a sampling up by: the second of its time, and beyond it the first, so that saves that are
 * slow for once are waited for.
 */
const defaultPatience = { ms: 10_000, share: 0.02 };

/** The side that saves. */
export class SafeSteps {
  /** What is sent to the other thread. */
  readonly memory = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT);
  readonly #safe = new Int32Array(this.memory);

  /** So many steps are safe, or are given up. */
  tell(step: number): void {
    if (step <= Atomics.load(this.#safe, 0)) return;
    Atomics.store(this.#safe, 0, step);
    Atomics.notify(this.#safe, 0);
  }

  /** Holds nobody up any more. */
  letGo(): void {
    this.tell(everyStep);
  }
}

/** The side that samples. */
export class SafeStepsWait {
  readonly #safe: Int32Array;
  readonly #patience: { readonly ms: number; readonly share: number };
  readonly #beganAtMs = performance.now();
  #waitedMs = 0;

  /** @param patience only tests have another */
  constructor(memory: SharedArrayBuffer, patience = defaultPatience) {
    this.#safe = new Int32Array(memory);
    this.#patience = patience;
  }

  /** Blocks the thread until so many steps are safe, or the disk has held it up for long enough. */
  waitFor(step: number): void {
    for (let safe = Atomics.load(this.#safe, 0); safe < step; safe = Atomics.load(this.#safe, 0)) {
      const from = performance.now();
      const { ms, share } = this.#patience;
      const leftMs = ms + share * (from - this.#beganAtMs) - this.#waitedMs;
      if (leftMs <= 0) return;
      Atomics.wait(this.#safe, 0, safe, leftMs);
      this.#waitedMs += performance.now() - from;
    }
  }
}
