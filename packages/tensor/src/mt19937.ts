/**
 * MT19937, the generator behind torch's CPU randomness, and the three ways torch takes numbers from it.
 *
 * @see Matsumoto & Nishimura 1998, "Mersenne Twister", ACM TOMACS 8(1)
 */
const stateSize = 624;
const middle = 397;

/** The bit stream of one seed. Drawing moves it on; two with the same seed give the same numbers. */
export class MersenneTwister {
  readonly #state = new Uint32Array(stateSize);
  #next = stateSize;

  /** @param seed its low 32 bits count, as in torch */
  constructor(seed: number) {
    const state = this.#state;
    state[0] = seed >>> 0;
    for (let i = 1; i < stateSize; i++) {
      const previous = state[i - 1]! ^ (state[i - 1]! >>> 30);
      state[i] = Math.imul(1812433253, previous) + i;
    }
  }

  /** The next 32 bits, 0 … 2^32 - 1. */
  uint32(): number {
    if (this.#next >= stateSize) this.#refill();
    return temper(this.#state[this.#next++]!) >>> 0;
  }

  /** Fills `data` from `start` to its end with uniform numbers in [0, 1) of 24 bits: what torch draws for a float32. */
  fillUniform24(data: Float32Array, start: number): void {
    const state = this.#state;
    let next = this.#next;
    for (let i = start; i < data.length; i++) {
      if (next >= stateSize) {
        this.#refill();
        next = 0;
      }
      data[i] = (temper(state[next]!) & 0xffffff) * 2 ** -24;
      next += 1;
    }
    this.#next = next;
  }

  /** Uniform in [0, 1) with 53 bits from two draws, the first one the higher: what torch draws for a double. */
  uniform53(): number {
    const high = this.uint32() & 0x1fffff;
    const low = this.uint32();
    return (high * 2 ** 32 + low) * 2 ** -53;
  }

  #refill(): void {
    const state = this.#state;
    const rest = stateSize - middle;
    const last = stateSize - 1;
    for (let i = 0; i < rest; i++) state[i] = state[i + middle]! ^ twist(state[i]!, state[i + 1]!);
    for (let i = rest; i < last; i++) state[i] = state[i - rest]! ^ twist(state[i]!, state[i + 1]!);
    state[last] = state[middle - 1]! ^ twist(state[last]!, state[0]!);
    this.#next = 0;
  }
}

function temper(word: number): number {
  let y = word ^ (word >>> 11);
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return y ^ (y >>> 18);
}

function twist(high: number, low: number): number {
  const y = (high & 0x80000000) | (low & 0x7fffffff);
  return (y >>> 1) ^ (-(y & 1) & 0x9908b0df);
}
