/** Steps laid as a model's own scheduler lays them, from its config alone. */
import {
  dynamicShiftOf,
  flowSigmas,
  linearQuadraticSigmas,
  makeSchedule,
  type SigmaSpacing,
  samplingFromDiffusers,
  trainTimesteps,
  withShift,
} from '@reelgraph/diffusion';
import {
  type ModelFacts,
  NodeError,
  type PortFacts,
  type RecommendedSettings,
  type Sigmas,
} from '@reelgraph/node-api';

export type SchedulerConfig = Readonly<Record<string, unknown>>;

export interface PlanRequest {
  readonly config: SchedulerConfig;
  readonly steps: number;
  /** 0 takes that of the config. */
  readonly shift: number;
  readonly spacing: SigmaSpacing;
  /** What the pipeline of the model gives its scheduler, where nothing else is asked. */
  readonly ownLevels?: RecommendedSettings['levels'];
  /** Unshifted levels to take instead of spacing and steps; none when empty. */
  readonly levels: readonly number[];
  /** Only the last share of the steps: for clips that are made anew from others. */
  readonly strength: number;
  /** For a shift that follows the size of the clip. */
  readonly clip?: Pick<PortFacts, 'frameCount' | 'widthPx' | 'heightPx'> | undefined;
  readonly model?: Pick<ModelFacts, 'vaeScale' | 'patchSize'> | undefined;
}

/** Whether the shift of a scheduler follows the size of the clip. */
export function needsClip(config: SchedulerConfig, shift: number): boolean {
  return config.use_dynamic_shifting === true && shift === 0;
}

/**
 * Noise levels with what the model is fed at each, and the sampler that they are for.
 *
 * @throws DiffusionError 'diffusion/unknown-config' | 'diffusion/bad-steps' | 'diffusion/bad-shift' |
 *   'diffusion/bad-sigmas'; NodeError 'scheduler/no-clip'
 */
export function layPlan(request: PlanRequest): Pick<Sigmas, 'values' | 'plan'> {
  const { shift, spacing, levels, steps, strength } = request;
  const config = shift > 0 ? withShift(request.config, shift) : request.config;
  const setup = samplingFromDiffusers(config);
  if (levels.length === 0 && spacing !== 'uniform' && spacing !== 'linear_quadratic') {
    const own = config.flow_shift ?? config.shift;
    const values = flowSigmas({ steps, spacing, strength, shift: typeof own === 'number' ? own : 1 });
    return { values };
  }
  const mu = setup.shiftLine === undefined ? undefined : dynamicShiftOf(tokensOf(request), setup.shiftLine);
  const schedule = makeSchedule(setup.schedule, { steps, mu, ...levelsOf(request) });
  const total = schedule.timesteps.length;
  const first = total - Math.max(1, Math.min(Math.trunc(total * strength), total));
  const { sampler, settings } = setup;
  return {
    values: schedule.sigmas.slice(first),
    plan: {
      sampler,
      settings,
      timesteps: schedule.timesteps.slice(first),
      ...(schedule.targets === undefined ? {} : { targets: schedule.targets.slice(first) }),
      ...(schedule.partial === true ? { partial: true as const } : {}),
      startScale: schedule.startScale,
    },
  };
}

/** Levels in place of the scheduler's own, as its pipeline hands them over. */
function levelsOf({ levels, spacing, steps, ownLevels }: PlanRequest): {
  sigmas?: readonly number[];
  timesteps?: readonly number[];
} {
  if (levels.length > 0) return { sigmas: levels };
  if (spacing === 'linear_quadratic' || ownLevels === 'linear_quadratic') {
    const laid = linearQuadraticSigmas(steps).map(Math.fround);
    return { timesteps: laid.map((level) => Math.fround(level * trainTimesteps)) };
  }
  if (ownLevels !== 'even') return {};
  return { sigmas: flowSigmas({ steps }).slice(0, -1) };
}

/** Tokens that the model attends to. */
function tokensOf({ clip, model }: PlanRequest): number {
  const { frameCount, widthPx, heightPx } = clip ?? {};
  if (model === undefined || frameCount === undefined || widthPx === undefined || heightPx === undefined) {
    throw new NodeError(
      'scheduler/no-clip',
      'The steps of this model are laid by the size of the clip, and no clip is connected.',
      { hint: 'Connect the latent to "Latent" of the steps, or set a shift.' },
    );
  }
  const { temporal, spatial } = model.vaeScale;
  const [t, h, w] = model.patchSize ?? [1, 1, 1];
  return (((frameCount - 1) / temporal + 1) / t) * (heightPx / spatial / h) * (widthPx / spatial / w);
}

/** Numbers as people write them: apart by commas, spaces or lines. @throws NodeError 'scheduler/bad-levels' */
export function parseLevels(text: string): number[] {
  const levels = text
    .split(/[\s,;]+/)
    .filter((part) => part !== '')
    .map(Number);
  const given = levels.at(-1) === 0 ? levels.slice(0, -1) : levels;
  if (given.every((level) => level > 0 && level <= 1)) return given;
  throw new NodeError(
    'scheduler/bad-levels',
    'Levels are numbers from 1 down to above 0, apart by commas: 1, 0.9, 0.5.',
    { hint: 'Divide timesteps by 1000, or leave the levels empty.' },
  );
}
