/** Facts of a value in the few characters a wire has room for: `17f · 64×64 · 16ch`. */
import type { PortFacts } from '@reelgraph/graph';

export function factsLabel(facts: PortFacts): string {
  const parts: string[] = [];
  if (facts.frameCount !== undefined) parts.push(`${facts.frameCount}f`);
  if (facts.widthPx !== undefined && facts.heightPx !== undefined)
    parts.push(`${facts.widthPx}×${facts.heightPx}`);
  // What a model can do is no size of a value; channels are told beside a size only.
  if (facts.channels !== undefined && parts.length > 0) parts.push(`${facts.channels}ch`);
  if (facts.fps !== undefined) parts.push(`${trimNumber(facts.fps)} fps`);
  if (facts.durationSeconds !== undefined) parts.push(`${trimNumber(facts.durationSeconds)} s`);
  if (facts.steps !== undefined) parts.push(`${facts.steps} steps`);
  if (facts.sampleRateHz !== undefined) parts.push(`${trimNumber(facts.sampleRateHz / 1000)} kHz`);
  return parts.join(' · ');
}

/** At most two decimals, no trailing zeros. */
export function trimNumber(value: number): string {
  return String(Math.round(value * 100) / 100);
}
