/**
 * `scheduler_config.json` as diffusers writes it, in our words: which schedule, which sampler with which settings, and
 * what the model says. diffusers calls all of it a scheduler.
 *
 * A key that is not known here may change the numbers, so it is refused by name, as is a value that has no like.
 */
import type { ConstantVarianceRecipe } from './constant-variance-schedule.ts';
import { DiffusionError } from './errors.ts';
import type { FlowRecipe } from './flow-schedule.ts';
import type { Parametrisation } from './parametrisation.ts';
import type { SamplerSettings } from './sampler.ts';
import type { ScheduleRecipe } from './schedule.ts';
import type { TrainNoise } from './train-noise.ts';

/** How a package wants to be sampled. Plain data, safe in JSON. */
export interface SamplingSetup {
  readonly parametrisation: Parametrisation;
  readonly schedule: ScheduleRecipe;
  /** Name of the sampler. */
  readonly sampler: string;
  readonly settings: SamplerSettings;
  /** The line that a dynamic shift lies on, by tokens; see `dynamicShiftOf`. */
  readonly shiftLine?: {
    readonly baseTokens: number;
    readonly maxTokens: number;
    readonly baseShift: number;
    readonly maxShift: number;
  };
}

type Config = Readonly<Record<string, unknown>>;

/**
 * Keys of PNDM and DDIM that checkpoints of their time carry along when their class was changed. diffusers passes over
 * them in a class that has none of the name.
 */
const carriedAlong: ReadonlySet<string> = new Set([
  'skip_prk_steps',
  'set_alpha_to_one',
  'clip_sample',
  'clip_sample_range',
  'sample_max_value',
  'thresholding',
  'dynamic_thresholding_ratio',
  'variance_type',
  'interpolation_type',
]);

/**
 * Reads the keys of one config by type, remembers which were asked for, and names the others.
 * Absent keys have the default of the class, which stands where they are read.
 */
class ConfigReader {
  readonly className: string;
  readonly #config: Config;
  readonly #read = new Set<string>();

  constructor(className: string, config: Config) {
    this.className = className;
    this.#config = config;
  }

  number(key: string, otherwise: number): number {
    const value = this.#take(key) ?? otherwise;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    return this.refuse(key, value, 'a number');
  }

  optionalNumber(key: string): number | undefined {
    const value = this.#take(key);
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    return this.refuse(key, value, 'a number');
  }

  flag(key: string, otherwise = false): boolean {
    const value = this.#take(key) ?? otherwise;
    return typeof value === 'boolean' ? value : this.refuse(key, value, 'true or false');
  }

  choice<T extends string>(key: string, choices: readonly T[], otherwise: T): T {
    const value = this.#take(key) ?? otherwise;
    const found = choices.find((choice) => choice === value);
    return found ?? this.refuse(key, value, choices.join(', '));
  }

  wholeNumbers(key: string): readonly number[] {
    const value = this.#take(key) ?? [];
    if (Array.isArray(value) && value.every((one) => Number.isInteger(one) && one >= 0)) return value;
    return this.refuse(key, value, 'a list of steps');
  }

  /** A key with one value that we have; the others would change the numbers. */
  only(key: string, ...allowed: readonly unknown[]): void {
    const value = this.#take(key);
    if (value === undefined || allowed.includes(value)) return;
    this.refuse(key, value, allowed.map((one) => JSON.stringify(one)).join(' or '));
  }

  /** Keys that change nothing as long as the rest is as we have it. */
  ignore(...keys: readonly string[]): void {
    for (const key of keys) this.#read.add(key);
  }

  /** @throws DiffusionError 'diffusion/unknown-config' for the first key that nothing asked for */
  expectAllRead(): void {
    const unknown = Object.keys(this.#config).find(
      (key) => !key.startsWith('_') && !this.#read.has(key) && !carriedAlong.has(key),
    );
    if (unknown !== undefined)
      throw new DiffusionError(
        'diffusion/unknown-config',
        `${this.className} has a key "${unknown}" that is not known here; it may change the numbers. Known: ${[...this.#read].sort().join(', ')}.`,
      );
  }

  refuse(key: string, value: unknown, wanted: string): never {
    throw new DiffusionError(
      'diffusion/unknown-config',
      `${this.className} has "${key}": ${JSON.stringify(value)?.slice(0, 80)}, which is not known here; expected ${wanted}.`,
    );
  }

  #take(key: string): unknown {
    this.#read.add(key);
    return Object.hasOwn(this.#config, key) ? this.#config[key] : undefined;
  }
}

type ReadConfig = (config: ConfigReader) => SamplingSetup;

const readers: Readonly<Record<string, ReadConfig>> = {
  FlowMatchEulerDiscreteScheduler(config) {
    const stochastic = config.flag('stochastic_sampling');
    return { ...flowMatch(config), sampler: stochastic ? 'stochastic' : 'euler' };
  },
  FlowMatchLCMScheduler(config) {
    config.only('scale_factors', null);
    config.ignore('upscale_mode');
    return { ...flowMatch(config), sampler: 'stochastic' };
  },
  FlowMatchHeunDiscreteScheduler(config) {
    config.only('num_train_timesteps', 1000);
    const schedule: FlowRecipe = { kind: 'flow', grid: 'to-lowest', shift: config.number('shift', 1) };
    return { parametrisation: 'flow', schedule, sampler: 'heun', settings: {} };
  },
  LTXEulerAncestralRFScheduler(config) {
    config.only('num_train_timesteps', 1000);
    const settings = { eta: config.number('eta', 1), noiseScale: config.number('s_noise', 1) };
    const schedule: FlowRecipe = { kind: 'flow', grid: 'to-lowest', shift: 1 };
    return { parametrisation: 'flow', schedule, sampler: 'euler-ancestral', settings };
  },
  UniPCMultistepScheduler(config) {
    config.only('solver_p', null);
    config.only('thresholding', false);
    config.ignore('dynamic_thresholding_ratio', 'sample_max_value');
    const solver = config.choice('solver_type', ['bh1', 'bh2', 'midpoint', 'heun', 'logrho'], 'bh2');
    const settings: SamplerSettings = {
      order: config.number('solver_order', 2),
      solver: solver === 'bh1' ? 'bh1' : 'bh2',
      follows: config.flag('predict_x0', true) ? 'clean' : 'noise',
      lowerOrderFinal: config.flag('lower_order_final', true),
      skipCorrector: config.wholeNumbers('disable_corrector'),
    };
    return { ...multistep(config, 'unipc'), sampler: 'unipc', settings };
  },
  DPMSolverMultistepScheduler(config) {
    config.only('thresholding', false);
    config.only('variance_type', null);
    config.only('lambda_min_clipped', Number.NEGATIVE_INFINITY, '-inf', '-Infinity');
    config.ignore('dynamic_thresholding_ratio', 'sample_max_value');
    const solver = config.choice('solver_type', ['midpoint', 'heun', 'logrho', 'bh1', 'bh2'], 'midpoint');
    const algorithm = config.choice(
      'algorithm_type',
      ['dpmsolver++', 'dpmsolver', 'sde-dpmsolver++', 'deis'],
      'dpmsolver++',
    );
    const settings: SamplerSettings = {
      order: config.number('solver_order', 2),
      solver: solver === 'heun' ? 'heun' : 'midpoint',
      follows: algorithm === 'dpmsolver' ? 'noise' : 'clean',
      lowerOrderFinal: config.flag('lower_order_final', true),
      eulerAtFinal: config.flag('euler_at_final'),
    };
    const sampler = algorithm === 'sde-dpmsolver++' ? 'dpmpp-2m-sde' : 'dpmpp-2m';
    return { ...multistep(config, 'dpm'), sampler, settings };
  },
  EulerDiscreteScheduler: (config) => ({ ...fractional(config), sampler: 'euler' }),
  EulerAncestralDiscreteScheduler: (config) => ({ ...fractional(config), sampler: 'euler-ancestral' }),
  HeunDiscreteScheduler(config) {
    config.only('clip_sample', false);
    config.ignore('clip_sample_range');
    return { ...fractional(config), sampler: 'heun' };
  },
  DDIMScheduler(config) {
    config.only('thresholding', false);
    config.ignore('dynamic_thresholding_ratio', 'sample_max_value');
    const clips = config.flag('clip_sample', true);
    const range = config.number('clip_sample_range', 1);
    return { ...stride(config, trained(config)), sampler: 'ddim', settings: clips ? { clip: range } : {} };
  },
  CogVideoXDDIMScheduler: (config) => ({ ...cogVideoX(config), sampler: 'ddim' }),
  // Its last step is of the first order only where it ends clean, however few steps there are.
  CogVideoXDPMScheduler: (config) => ({
    ...cogVideoX(config),
    sampler: 'cogvideox-dpm',
    settings: { lowerOrderFinal: false },
  }),
  LCMScheduler(config) {
    config.only('thresholding', false);
    config.ignore(
      'dynamic_thresholding_ratio',
      'sample_max_value',
      'set_alpha_to_one',
      'steps_offset',
      'timestep_spacing',
    );
    const clips = config.flag('clip_sample');
    const range = config.number('clip_sample_range', 1);
    const schedule: ConstantVarianceRecipe = {
      kind: 'constant-variance',
      trained: trained(config, { start: 0.00085, end: 0.012, betas: 'scaled_linear' }),
      timestepSpacing: 'leading',
      counting: 'distilled',
      distilledSteps: config.number('original_inference_steps', 50),
    };
    const settings = {
      timestepScaling: config.number('timestep_scaling', 10),
      ...(clips ? { clip: range } : {}),
    };
    return { parametrisation: prediction(config), schedule, sampler: 'lcm', settings };
  },
};

/** Class names that are read, for messages. */
export const knownSchedulerClasses: readonly string[] = Object.keys(readers);

/**
 * The setup that a scheduler config stands for.
 *
 * @param config the parsed `scheduler_config.json`; keys that begin with an underscore say who wrote it
 * @throws DiffusionError 'diffusion/unknown-config' naming the class, key or value that is not known
 */
export function samplingFromDiffusers(config: Config): SamplingSetup {
  const { _class_name: className } = config;
  const read =
    typeof className === 'string' && Object.hasOwn(readers, className) ? readers[className] : undefined;
  if (typeof className !== 'string' || read === undefined)
    throw new DiffusionError(
      'diffusion/unknown-config',
      `There is no scheduler class ${JSON.stringify(className) ?? '(no "_class_name")'} here. Known: ${knownSchedulerClasses.join(', ')}.`,
    );
  const reader = new ConfigReader(className, config);
  const setup = read(reader);
  reader.expectAllRead();
  return setup;
}

/**
 * A config as text: the file itself, or class and config apart, as `{"class_name": …, "config": {…}}`. Python writes
 * infinities that JSON has no word for.
 *
 * @throws DiffusionError 'diffusion/unknown-config' when it is no JSON object with a class name
 */
export function parseSchedulerConfig(text: string): Config {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/(:\s*)(-?Infinity|NaN)(?=\s*[,}\]])/g, '$1"$2"'));
  } catch {
    throw new DiffusionError('diffusion/unknown-config', 'The scheduler config is not valid JSON.');
  }
  if (!isConfig(value))
    throw new DiffusionError('diffusion/unknown-config', 'The scheduler config is not a JSON object.');
  if (typeof value._class_name === 'string') return value;
  if (typeof value.class_name !== 'string')
    throw new DiffusionError('diffusion/unknown-config', 'The scheduler config has no "_class_name".');
  return { _class_name: value.class_name, ...(isConfig(value.config) ? value.config : {}) };
}

function isConfig(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The config with another shift, under the name that its class has for it. */
export function withShift(config: Config, shift: number): Config {
  const isMultistep = config._class_name === 'UniPCMultistepScheduler' || config.use_flow_sigmas === true;
  const dynamic = 'use_dynamic_shifting' in config ? { use_dynamic_shifting: false } : {};
  return { ...config, [isMultistep ? 'flow_shift' : 'shift']: shift, ...dynamic };
}

type Spacing = 'karras' | 'exponential' | 'beta';

function spacing(config: ConfigReader): { spacing?: Spacing } {
  const asked = (['karras', 'exponential', 'beta'] as const).filter((name) =>
    config.flag(`use_${name}_sigmas`),
  );
  if (asked.length > 1) config.refuse(`use_${asked[1]}_sigmas`, true, 'only one spacing');
  return asked[0] === undefined ? {} : { spacing: asked[0] };
}

function flowMatch(config: ConfigReader): Omit<SamplingSetup, 'sampler'> {
  config.only('num_train_timesteps', 1000);
  const isDynamic = config.flag('use_dynamic_shifting');
  const shiftType = config.choice('time_shift_type', ['exponential', 'linear'], 'exponential');
  const terminal = config.optionalNumber('shift_terminal');
  const shiftLine = {
    baseTokens: config.number('base_image_seq_len', 256),
    maxTokens: config.number('max_image_seq_len', 4096),
    baseShift: config.number('base_shift', 0.5),
    maxShift: config.number('max_shift', 1.15),
  };
  const schedule: FlowRecipe = {
    kind: 'flow',
    grid: 'to-lowest',
    shift: config.number('shift', 1),
    ...(isDynamic ? { dynamicShift: shiftType } : {}),
    ...(terminal === undefined || terminal === 0 ? {} : { terminal }),
    ...spacing(config),
    ...(config.flag('invert_sigmas') ? { inverted: true as const } : {}),
  };
  return { parametrisation: 'flow', schedule, settings: {}, ...(isDynamic ? { shiftLine } : {}) };
}

const predictions = { epsilon: 'epsilon', v_prediction: 'v', sample: 'x0', flow_prediction: 'flow' } as const;

function prediction(config: ConfigReader, isFlow = false): Parametrisation {
  const allowed = isFlow ? (['flow_prediction'] as const) : (['epsilon', 'v_prediction', 'sample'] as const);
  const said = config.choice<keyof typeof predictions>('prediction_type', allowed, 'epsilon');
  return predictions[said];
}

interface TrainedDefaults {
  readonly start: number;
  readonly end: number;
  readonly betas: TrainNoise['betas'];
}
const plainBetas: TrainedDefaults = { start: 0.0001, end: 0.02, betas: 'linear' };

function trained(config: ConfigReader, defaults: TrainedDefaults = plainBetas): TrainNoise {
  config.only('trained_betas', null);
  return {
    steps: config.number('num_train_timesteps', 1000),
    betaStart: config.number('beta_start', defaults.start),
    betaEnd: config.number('beta_end', defaults.end),
    betas: config.choice('beta_schedule', ['linear', 'scaled_linear', 'squaredcos_cap_v2'], defaults.betas),
    ...(config.flag('rescale_betas_zero_snr') ? { zeroSnr: true as const } : {}),
  };
}

const timestepSpacings = ['linspace', 'leading', 'trailing'] as const;

/** UniPC and DPM-Solver, which walk flows as well. */
function multistep(
  config: ConfigReader,
  kind: 'unipc' | 'dpm',
): Pick<SamplingSetup, 'parametrisation' | 'schedule'> {
  const isFlow = config.flag('use_flow_sigmas');
  const parametrisation = prediction(config, isFlow);
  const laid = spacing(config);
  const shift = config.number('flow_shift', 1);
  const isDynamic = config.flag('use_dynamic_shifting');
  const shiftType =
    kind === 'unipc'
      ? config.choice('time_shift_type', ['exponential', 'linear'], 'exponential')
      : config.choice('time_shift_type', ['exponential'], 'exponential');
  const end = config.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero');
  const isSmallest = end === 'sigma_min';
  const noise = trained(config);
  const timestepSpacing = config.choice('timestep_spacing', timestepSpacings, 'linspace');
  const offset = config.number('steps_offset', 0);
  const terminal = kind === 'unipc' ? config.optionalNumber('shift_terminal') : undefined;
  const lowest = kind === 'unipc' ? config.optionalNumber('sigma_min') : undefined;
  const highest = kind === 'unipc' ? config.optionalNumber('sigma_max') : undefined;
  const isLu = kind === 'dpm' && config.flag('use_lu_lambdas');
  if (isFlow && laid.spacing === undefined && !isLu) {
    if (isSmallest && kind === 'dpm') config.refuse('final_sigmas_type', end, '"zero" with flow sigmas');
    return {
      parametrisation,
      schedule: {
        kind: 'flow',
        grid: kind === 'unipc' ? 'before-lowest' : 'before-zero',
        shift,
        ...(isDynamic ? { dynamicShift: shiftType } : {}),
        ...(terminal === undefined || terminal === 0 ? {} : { terminal }),
        ...(kind === 'unipc' ? { belowOne: true as const } : {}),
        ...(isSmallest ? { end: 'last' as const } : {}),
        wholeTimesteps: true,
      },
    };
  }
  // Only UniPC turns Karras' ratios into levels of a flow; elsewhere diffusers takes ratios above 1 for them.
  if (isFlow && !(kind === 'unipc' && laid.spacing === 'karras'))
    config.refuse(
      `use_${laid.spacing ?? 'lu'}_${isLu ? 'lambdas' : 'sigmas'}`,
      true,
      'false with flow sigmas',
    );
  const ratios = {
    ...(lowest === undefined ? {} : { lowest }),
    ...(highest === undefined ? {} : { highest }),
  };
  // Lu's lambdas in equal steps are logarithms of the ratio in equal steps.
  const used = isLu ? ('exponential' as const) : laid.spacing;
  return {
    parametrisation,
    schedule: {
      kind: 'constant-variance',
      trained: noise,
      timestepSpacing,
      ...(offset === 0 ? {} : { offset }),
      counting: 'multistep',
      ...(used === undefined ? {} : { spacing: used }),
      ...(Object.keys(ratios).length === 0 ? {} : { ratios }),
      spacedTimesteps: used === 'karras' || isLu ? 'rounded' : 'cut',
      ...(isFlow ? { asFlow: true as const } : {}),
      ...(isSmallest
        ? { end: kind === 'unipc' && used !== undefined ? ('last' as const) : ('lowest' as const) }
        : {}),
      finite: true,
    },
  };
}

/** Euler, Euler ancestral and Heun, whose timesteps may lie between the trained ones. */
function fractional(config: ConfigReader): Omit<SamplingSetup, 'sampler'> {
  const isEuler = config.className === 'EulerDiscreteScheduler';
  const isHeun = config.className === 'HeunDiscreteScheduler';
  const parametrisation = prediction(config);
  const timestepSpacing = config.choice('timestep_spacing', timestepSpacings, 'linspace');
  const offset = config.number('steps_offset', 0);
  const laid = isEuler || isHeun ? spacing(config) : {};
  const continuous =
    isEuler && config.choice('timestep_type', ['discrete', 'continuous'], 'discrete') === 'continuous';
  const end = isEuler && config.choice('final_sigmas_type', ['zero', 'sigma_min'], 'zero') === 'sigma_min';
  const lowest = isEuler ? config.optionalNumber('sigma_min') : undefined;
  const highest = isEuler ? config.optionalNumber('sigma_max') : undefined;
  if (isEuler) config.only('interpolation_type', 'linear');
  const ratios = {
    ...(lowest === undefined ? {} : { lowest }),
    ...(highest === undefined ? {} : { highest }),
  };
  const schedule: ConstantVarianceRecipe = {
    kind: 'constant-variance',
    trained: trained(config, isHeun ? { ...plainBetas, start: 0.00085, end: 0.012 } : plainBetas),
    timestepSpacing,
    ...(offset === 0 ? {} : { offset }),
    counting: 'fractional',
    ...laid,
    ...(Object.keys(ratios).length === 0 ? {} : { ratios }),
    ...(continuous && parametrisation === 'v' ? { continuousTimesteps: true as const } : {}),
    ...(end ? { end: 'lowest' as const } : {}),
    finite: true,
    ...(timestepSpacing === 'leading' ? {} : { startsAtLevel: true as const }),
  };
  return { parametrisation, schedule, settings: {} };
}

function stride(config: ConfigReader, noise: TrainNoise): Omit<SamplingSetup, 'sampler'> {
  const offset = config.number('steps_offset', 0);
  const schedule: ConstantVarianceRecipe = {
    kind: 'constant-variance',
    trained: noise,
    timestepSpacing: config.choice('timestep_spacing', timestepSpacings, 'leading'),
    ...(offset === 0 ? {} : { offset }),
    counting: 'stride',
    ...(config.flag('set_alpha_to_one', true) ? {} : { end: 'lowest' as const }),
  };
  return { parametrisation: prediction(config), schedule, settings: {} };
}

function cogVideoX(config: ConfigReader): Omit<SamplingSetup, 'sampler'> {
  // Read by no step of theirs.
  config.ignore('clip_sample', 'clip_sample_range', 'sample_max_value');
  const noise = trained(config, { start: 0.00085, end: 0.012, betas: 'scaled_linear' });
  return stride(config, { ...noise, snrShift: config.number('snr_shift_scale', 3) });
}
