/** Facts of a value in the few words a wire has room for: `17 frames · 64×64`. */
import type { PortFacts } from '@reelgraph/graph';

export function factsLabel(facts: PortFacts): string {
  const parts: string[] = [];
  if (facts.frameCount !== undefined)
    parts.push(facts.frameCount === 1 ? '1 frame' : `${facts.frameCount} frames`);
  if (facts.widthPx !== undefined && facts.heightPx !== undefined)
    parts.push(`${facts.widthPx}×${facts.heightPx}`);
  if (facts.fps !== undefined) parts.push(`${trimNumber(facts.fps)} fps`);
  if (facts.durationSeconds !== undefined) parts.push(`${trimNumber(facts.durationSeconds)} s`);
  const { steps, stepsDone } = facts;
  if (steps !== undefined && stepsDone === undefined) parts.push(`${steps} steps`);
  else if (steps !== undefined && stepsDone !== undefined && stepsDone < steps)
    parts.push(`${stepsDone} of ${steps} steps`);
  if (facts.sampleRateHz !== undefined) parts.push(`${trimNumber(facts.sampleRateHz / 1000)} kHz`);
  return parts.join(' · ');
}

/** The same with what few people ask for: `17 frames · 64×64 · 16 channels`. */
export function factsInFull(facts: PortFacts): string {
  const short = factsLabel(facts);
  // What a model can do is no size of a value; channels are told beside a size only.
  return facts.channels === undefined || short === '' ? short : `${short} · ${facts.channels} channels`;
}

/** At most two decimals, no trailing zeros. */
export function trimNumber(value: number): string {
  return String(Math.round(value * 100) / 100);
}
