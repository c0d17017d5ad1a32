/** Facts of a value in words: as few as a wire has room for, and all of them. */
import type { PortFacts } from '@reelgraph/graph';

/** What tells values of a type apart at a glance: `81f · 832×480 · 16ch`. Empty where nothing is known. */
export function factsLabel(facts: PortFacts): string {
  const { frameCount, fps, channels, value, sampleRateHz } = facts;
  if (facts.hasKnownFrames === true) return 'frames given';
  const size = sizeText(facts);
  const hasSize = frameCount !== undefined || size !== undefined;
  return [
    frameCount === undefined ? undefined : `${frameCount}f`,
    size,
    // What a model can do is no size of a value.
    channels === undefined || !hasSize ? undefined : `${channels}ch`,
    fps === undefined ? undefined : `${trimNumber(fps)} fps`,
    stepsText(facts),
    sampleRateHz === undefined ? undefined : `${trimNumber(sampleRateHz / 1000)} kHz`,
    value === undefined ? undefined : trimNumber(value),
  ]
    .filter((part) => part !== undefined)
    .join(' · ');
}

/** The same in whole words, with what follows from it: `17 frames · 64×64 · 24 channels · 8 fps · 2.13 s`. */
export function factsInFull(facts: PortFacts): string {
  const { frameCount, fps, channels, durationSeconds, value, sampleRateHz } = facts;
  const size = sizeText(facts);
  const hasSize = frameCount !== undefined || size !== undefined;
  const parts = [
    frameCount === undefined ? undefined : frameCount === 1 ? '1 frame' : `${frameCount} frames`,
    size,
    channels === undefined || !hasSize ? undefined : `${channels} channels`,
    fps === undefined ? undefined : `${trimNumber(fps)} fps`,
    durationSeconds === undefined ? undefined : `${trimNumber(durationSeconds)} s`,
    stepsText(facts),
    sampleRateHz === undefined ? undefined : `${trimNumber(sampleRateHz / 1000)} kHz`,
    value === undefined ? undefined : trimNumber(value),
  ].filter((part) => part !== undefined);
  if (facts.hasKnownFrames !== true) return parts.join(' · ');
  return parts.length === 0 ? 'frames given' : `frames given in a clip of ${parts.join(' · ')}`;
}

function sizeText({ widthPx, heightPx }: PortFacts): string | undefined {
  return widthPx === undefined || heightPx === undefined ? undefined : `${widthPx}×${heightPx}`;
}

/** Steps of a plan, or how far a draft has come; a clip that has taken all of its steps says nothing of them. */
function stepsText({ steps, stepsDone }: PortFacts): string | undefined {
  if (steps === undefined) return undefined;
  if (stepsDone === undefined) return `${steps} steps`;
  return stepsDone < steps ? `${stepsDone} of ${steps} steps` : undefined;
}

/** At most two decimals, no trailing zeros. */
export function trimNumber(value: number): string {
  return String(Math.round(value * 100) / 100);
}
