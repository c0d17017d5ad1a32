/** The samplers by name, in menu order. A new one is a file of its own and a line here. */
import { sampleEulerAncestral } from './ancestral.ts';
import { sampleEulerChurn } from './churn.ts';
import { sampleDdim } from './ddim.ts';
import { sampleDpmSolver, sampleDpmSolverSde } from './dpm-solver.ts';
import { sampleEuler } from './euler.ts';
import { sampleHeun } from './heun.ts';
import { sampleByPlace } from './keyframes.ts';
import { sampleLcm } from './lcm.ts';
import type { Parametrisation } from './parametrisation.ts';
import type { Sampler } from './sampler.ts';
import { sampleStochastic } from './stochastic.ts';
import { sampleUniPc } from './unipc.ts';

export interface SamplerEntry {
  readonly name: string;
  readonly label: string;
  readonly sample: Sampler;
  /** What it walks for; models of every kind when absent. */
  readonly parametrisations?: readonly Parametrisation[];
  /** It takes new noise for every step that does not end clean, which is the last; or for that one too. */
  readonly drawsNoise?: boolean | 'to-the-end';
  /** Which draw of the noise a step takes, where it is not the one of its number. */
  readonly drawOf?: (step: number) => number;
}

const constantVariance = ['v', 'epsilon', 'x0'] as const;

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
  { name: 'unipc', label: 'UniPC (fine in few steps)', sample: sampleUniPc },
  { name: 'dpmpp-2m', label: 'DPM++ 2M (fine in few steps)', sample: sampleDpmSolver },
  {
    name: 'dpmpp-2m-sde',
    label: 'DPM++ 2M SDE (some new grain with every step)',
    sample: sampleDpmSolverSde,
    drawsNoise: true,
  },
  {
    name: 'euler-ancestral',
    label: 'Euler ancestral (some new grain with every step)',
    sample: sampleEulerAncestral,
    drawsNoise: true,
  },
  {
    name: 'euler-churn',
    label: 'Euler with churn (only for noise prediction)',
    sample: sampleEulerChurn,
    parametrisations: ['epsilon'],
    drawsNoise: 'to-the-end',
  },
  {
    name: 'ddim',
    label: 'DDIM (only for v and noise prediction)',
    sample: sampleDdim,
    parametrisations: constantVariance,
    drawsNoise: true,
  },
  {
    name: 'cogvideox-dpm',
    label: 'CogVideoX DPM (only for v and noise prediction)',
    sample: sampleDpmSolverSde,
    parametrisations: constantVariance,
    drawsNoise: true,
    // One for the step to be thrown away, one to be used; the first step draws only the latter.
    drawOf: (step) => 2 * step,
  },
  {
    name: 'lcm',
    label: 'LCM (only for distilled v and noise prediction)',
    sample: sampleLcm,
    parametrisations: constantVariance,
    drawsNoise: true,
  },
] as const satisfies readonly SamplerEntry[];

/** Euler for clips with keyframes of a strength each; taken in place of Euler where there are some. */
export const byPlaceSampler: SamplerEntry = {
  name: 'euler-by-place',
  label: 'Euler by place',
  sample: sampleByPlace,
  parametrisations: ['flow'],
  drawsNoise: true,
  // The sample that is begun from has the first draw on it.
  drawOf: (step) => step + 1,
};

/** The sampler of that name, or undefined. */
export function findSampler(name: string): SamplerEntry | undefined {
  return name === byPlaceSampler.name ? byPlaceSampler : samplers.find((entry) => entry.name === name);
}

/** The first step that takes no noise, of a schedule of these levels. */
export function noiseEnd({ drawsNoise = false }: SamplerEntry, sigmas: readonly number[]): number {
  if (drawsNoise === false) return 0;
  const isPut = drawsNoise === 'to-the-end' || sigmas.at(-1) !== 0;
  return isPut ? sigmas.length - 1 : sigmas.length - 2;
}

/** Whether a sampler walks for models of that kind. */
export function walksFor({ parametrisations }: SamplerEntry, parametrisation: Parametrisation): boolean {
  return parametrisations === undefined || parametrisations.includes(parametrisation);
}
