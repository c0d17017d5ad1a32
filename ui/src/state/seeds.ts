/** Seeds are 64-bit unsigned integers held as decimal text, because JSON numbers lose bits above 2^53. */
import { isSeed } from '@reelgraph/graph';

/** A seed drawn from `random`, which fills an array like `crypto.getRandomValues`. */
export function randomSeed(
  random: (into: Uint32Array<ArrayBuffer>) => void = (into) => crypto.getRandomValues(into),
): string {
  // 32 bits are plenty of choice and stay readable; any 64-bit seed can still be typed.
  const words = new Uint32Array(1);
  random(words);
  return String(words[0] ?? 0);
}

/** The seed in its one spelling, or undefined when the text is no 64-bit unsigned integer. */
export function parseSeed(text: string): string | undefined {
  const trimmed = text.trim();
  if (!/^\d{1,40}$/.test(trimmed)) return undefined;
  const spelled = BigInt(trimmed).toString();
  return isSeed(spelled) ? spelled : undefined;
}
