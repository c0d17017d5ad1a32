/** DPM-Solver++ and its stochastic form: one model call per step, second or third order by looking back. */
import type { Tensor } from '@reelgraph/tensor';
import { sumOf } from './arithmetic.ts';
import { DiffusionError } from './errors.ts';
import { expectOrder, followedOf, integratorLevel, recall, remember } from './exponential-integrator.ts';
import type { SamplerOptions, SamplerSettings, SamplerState } from './sampler.ts';
import { type StepInterval, type StepResult, walkSigmas, walkWithNoise } from './walk-sigmas.ts';

/** Below as many steps the last ones go by lower orders. */
const fewSteps = 15;

/**
 * DPM-Solver++ (2M).
 *
 * Settings: `order` (2), `solver` 'midpoint' or 'heun', `follows` ('clean'), `lowerOrderFinal`, `eulerAtFinal`.
 *
 * @throws the signal's reason on abort; DiffusionError 'diffusion/bad-setting' | 'diffusion/bad-sigmas' |
 *   'diffusion/bad-state' | 'diffusion/not-finite'
 * @see Lu et al. 2022, arXiv:2211.01095, algorithm 2; the third order: arXiv:2206.00927, algorithm 2 in the
 *   multistep form of diffusers' DPMSolverMultistepScheduler
 */
export function sampleDpmSolver(options: SamplerOptions): Promise<SamplerState> {
  expectSettings(options.settings);
  return walkSigmas(options, (interval) => dpmStep(interval));
}

/**
 * DPM-Solver++ (2M) SDE. Settings as {@link sampleDpmSolver}, but it follows the clean latent, with an order of 1
 * or 2.
 *
 * CogVideoX's DPM is this method of order 2 by midpoints; only the draws of its noise differ (see the table of samplers).
 *
 * @throws as {@link sampleDpmSolver}; DiffusionError 'diffusion/no-noise' without `freshNoise`
 * @see Lu et al. 2022, arXiv:2211.01095, section 5 (SDE-DPM-Solver++)
 */
export function sampleDpmSolverSde(options: SamplerOptions): Promise<SamplerState> {
  expectSettings(options.settings);
  const { follows, order = 2 } = options.settings ?? {};
  if (follows === 'noise' || order > 2)
    throw new DiffusionError(
      'diffusion/bad-setting',
      'The stochastic solver follows the clean latent, with an order of 1 or 2.',
    );
  return walkWithNoise(options, (interval, fresh) => dpmStep(interval, { fresh }));
}

function expectSettings({ order = 2, solver = 'midpoint' }: SamplerSettings = {}): void {
  expectOrder(order);
  if (solver !== 'midpoint' && solver !== 'heun')
    throw new DiffusionError(
      'diffusion/bad-setting',
      `DPM-Solver++ is solved by "midpoint" or "heun", got "${solver}".`,
    );
}

/** @param sde present when noise is drawn; its noise is absent where the step ends clean */
function dpmStep(interval: StepInterval, sde?: { fresh: Tensor<'float32'> | undefined }): StepResult {
  const { parametrisation, settings, step, sigmas, sigma, sigmaNext, sample, memory } = interval;
  const { order = 2, solver = 'midpoint', follows } = settings;
  const level = (at: number) => integratorLevel(parametrisation, at, follows);
  const [from, to] = [level(sigma), level(sigmaNext)];
  const h = to.time - from.time;
  // The SDE goes twice as far in the part that forgets.
  const way = sde === undefined ? h : 2 * h;
  const earlier = recall(memory, step, order - 1);
  const seen = followedOf(interval, follows);
  const used = orderOf(interval, Math.min(order, earlier.length + 1));

  const terms: [number, Tensor<'float32'>][] = [];
  let ofSeen = -to.weight * Math.expm1(-way);
  const [before, beforeThat] = earlier;
  if (used >= 2 && before !== undefined) {
    const h0 = from.time - level(sigmas[step - 1]!).time;
    // D1 = (h / h0) (m0 - m1): how much the followed moves in a step like this one.
    const slope0 = h / h0;
    const first =
      used === 2 && solver === 'midpoint'
        ? -0.5 * to.weight * Math.expm1(-way)
        : to.weight * (Math.expm1(-way) / way + 1);
    if (used === 2 || beforeThat === undefined) {
      ofSeen += first * slope0;
      terms.push([-first * slope0, before]);
    } else {
      const h1 = level(sigmas[step - 1]!).time - level(sigmas[step - 2]!).time;
      const slope1 = h / h1;
      const second = -to.weight * ((Math.expm1(-way) + way) / way ** 2 - 0.5);
      // D1 = d0 + r0 / (r0 + r1) (d0 - d1), D2 = (d0 - d1) / (r0 + r1) with r = h0 / h, h1 / h
      const span = (h0 + h1) / h;
      const ofDifference = first * (Number.isFinite(span) ? h0 / (h0 + h1) : 0) + second / span;
      const ofSlope0 = (first + ofDifference) * slope0;
      const ofSlope1 = -ofDifference * slope1;
      ofSeen += ofSlope0;
      terms.push([ofSlope1 - ofSlope0, before], [-ofSlope1, beforeThat]);
    }
  }
  const decay = sde === undefined ? 1 : Math.exp(-h);
  terms.unshift([(to.rest / from.rest) * decay, sample], [ofSeen, seen]);
  if (sde?.fresh !== undefined) terms.push([to.rest * Math.sqrt(-Math.expm1(-2 * h)), sde.fresh]);
  return {
    sample: sumOf(terms),
    ...(follows === 'noise' ? {} : { clean: seen }),
    memory: remember(seen, earlier, order - 1),
  };
}

/** Lower at the end, where a step to sigma 0 is infinitely long in the logarithm. */
function orderOf({ settings, step, totalSteps, sigmaNext }: StepInterval, highest: number): number {
  const { lowerOrderFinal = true, eulerAtFinal = false } = settings;
  const lowers = lowerOrderFinal && totalSteps < fewSteps;
  if (step === totalSteps - 1 && (eulerAtFinal || lowers || sigmaNext === 0)) return 1;
  if (step === totalSteps - 2 && lowers) return Math.min(2, highest);
  return highest;
}
