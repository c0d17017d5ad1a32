/**
 * Philox4x32-10: a generator without a state. A counter and a key give four words of 32 bits, the same for ever.
 *
 * @see Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3", SC '11
 */

/** Four words of 32 bits. */
export type PhiloxWords = readonly [number, number, number, number];

const rounds = 10;
const multipliers = [0xd2511f53, 0xcd9e8d57] as const;
/** The golden ratio and the square root of 3 less 1, as fractions of 2^32. */
const keySteps = [0x9e3779b9, 0xbb67ae85] as const;

/** The upper 32 bits of a product of two words; doubles hold only 53. */
function highOf(a: number, b: number): number {
  const [aLow, aHigh] = [a & 0xffff, a >>> 16];
  const [bLow, bHigh] = [b & 0xffff, b >>> 16];
  const middle = aHigh * bLow + Math.floor((aLow * bLow) / 65536);
  const carry = Math.floor((aLow * bHigh + (middle % 65536)) / 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + carry) >>> 0;
}

/**
 * @param counter four words, each 0 … 2^32 - 1
 * @param key     two words
 */
export function philox4x32(counter: PhiloxWords, key: readonly [number, number]): PhiloxWords {
  let [a, b, c, d] = counter;
  let [first, second] = key;
  for (let round = 0; round < rounds; round++) {
    const low0 = Math.imul(multipliers[0], a) >>> 0;
    const low1 = Math.imul(multipliers[1], c) >>> 0;
    const high0 = highOf(multipliers[0], a);
    const high1 = highOf(multipliers[1], c);
    [a, b, c, d] = [(high1 ^ b ^ first) >>> 0, low1, (high0 ^ d ^ second) >>> 0, low0];
    first = (first + keySteps[0]) >>> 0;
    second = (second + keySteps[1]) >>> 0;
  }
  return [a, b, c, d];
}
