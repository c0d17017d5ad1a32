/** The samplers by name, in menu order. A new one is a file of its own and a line here. */
import { sampleEuler } from './euler.ts';
import { sampleHeun } from './heun.ts';
import type { Sampler } from './sampler.ts';
import { sampleStochastic } from './stochastic.ts';

export interface SamplerEntry {
  readonly name: string;
  readonly label: string;
  readonly sample: Sampler;
  /** It takes new noise for every step but the last. */
  readonly drawsNoise?: boolean;
}

/** Every sampler that the denoise node offers; the first is the default. */
export const samplers = [
  { name: 'euler', label: 'Euler', sample: sampleEuler },
  { name: 'heun', label: 'Heun (twice the time, finer)', sample: sampleHeun },
  {
    name: 'stochastic',
    label: 'Stochastic (new grain with every step)',
    sample: sampleStochastic,
    drawsNoise: true,
  },
] as const satisfies readonly SamplerEntry[];

/** The sampler of that name, or undefined. */
export function findSampler(name: string): SamplerEntry | undefined {
  return samplers.find((entry) => entry.name === name);
}
