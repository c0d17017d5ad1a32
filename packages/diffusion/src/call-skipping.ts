/**
 * Steps without the model: where its answer is expected to be nearly what it was, the last one is carried along with
 * the sample instead of asking again. It looks at nothing but inputs and outputs, so it serves every model.
 *
 * @see Zhou et al. 2025, arXiv:2507.02860 (EasyCache): with x the input and v the output of a call, c the last call
 *   that was computed and b the one computed before it, all norms mean absolute values over a whole tensor:
 *   k = |v_c - v_b| / |x_c - x_b|, E = sum over the calls since c of k |x_i - x_(i-1)| / |v_c|, and while E stays below
 *   the threshold v = x + (v_c - x_c)
 */
import { sameShape, type Tensor } from '@reelgraph/tensor';
import { expectSameShape, sumOf } from './arithmetic.ts';
import { DiffusionError } from './errors.ts';
import type { ModelCall, SamplerMemory, SamplerState } from './sampler.ts';

type Float = Tensor<'float32'>;

/** What of a call decides whether an earlier answer can stand for its own. */
export interface SkippableCall extends ModelCall {
  /** Answers needed: an earlier call that gave fewer cannot stand for it. */
  readonly branches: number;
  /** Another network has other answers. */
  readonly expert: string;
}

/** A call that was computed. */
interface Computed {
  /** x_c, of all branches. */
  readonly input: Float;
  /** v_c of each branch; the first, with the prompt, decides for all. */
  readonly outputs: readonly Float[];
  readonly expert: string;
}

/** Part of the state of a sampling, in the memory of its sampler under names of its own. */
export class CallSkipping {
  readonly #threshold: number;
  #computed: Computed | undefined;
  /** Input of the last call, computed or not. */
  #before: Float | undefined;
  /** k; undefined until two calls were computed whose inputs differ. */
  #rate: number | undefined;
  /** E, a share of the mean absolute output. */
  #change = 0;
  #saved = 0;

  /**
   * @param threshold of E, above 0
   * @param from      where the sampling goes on from; undefined at its beginning
   * @throws DiffusionError 'diffusion/bad-skipping' | 'diffusion/bad-state' when a state after some steps was made
   *   without skipping: the rest would not be the rest of one sampling
   */
  constructor(threshold: number, from?: SamplerState) {
    if (!(Number.isFinite(threshold) && threshold > 0))
      throw new DiffusionError(
        'diffusion/bad-skipping',
        `Calls are skipped below a change above 0, got ${threshold}.`,
      );
    this.#threshold = threshold;
    if (from !== undefined && from.step > 0) this.#recall(from);
  }

  /**
   * The answers of a call: the model's own, or the last ones carried along. The calls of the first and of the last step
   * are always computed.
   *
   * @param sample input of the call, any shape
   * @param ask    the model: an answer of the shape of the sample for each branch
   * @throws TensorError 'tensor/shape-mismatch'; what `ask` throws
   */
  async answers(
    sample: Float,
    call: SkippableCall,
    ask: () => Promise<readonly Float[]>,
  ): Promise<readonly Float[]> {
    const carried = this.#carry(sample, call);
    if (carried !== undefined) return carried;
    const outputs = await ask();
    const { expert } = call;
    this.#rate = this.#rateTo(sample, outputs, expert);
    this.#computed = { input: sample, outputs, expert };
    this.#before = sample;
    this.#change = 0;
    return outputs;
  }

  /** All that later calls follow from. */
  memory(): SamplerMemory {
    const computed = this.#computed;
    const before = this.#before;
    if (computed === undefined || before === undefined) return {};
    const { input, outputs, expert } = computed;
    return {
      [names.input]: input,
      ...Object.fromEntries(outputs.map((output, branch) => [`${names.output}${branch}`, output])),
      ...(before === input ? {} : { [names.before]: before }),
      ...(this.#rate === undefined ? {} : { [names.rate]: this.#rate }),
      [names.expert]: expert,
      [names.change]: this.#change,
      [names.saved]: this.#saved,
    };
  }

  #carry(sample: Float, call: SkippableCall): readonly Float[] | undefined {
    const { step, totalSteps, branches, expert } = call;
    if (step === 0 || step >= totalSteps - 1) return undefined;
    const computed = this.#computed;
    const [decides] = computed?.outputs ?? [];
    if (computed === undefined || decides === undefined || this.#before === undefined) return undefined;
    if (this.#rate === undefined || computed.expert !== expert || computed.outputs.length < branches)
      return undefined;
    const change = this.#change + (this.#rate * meanDistance(sample, this.#before)) / meanAbsolute(decides);
    // Also where it is no number, as where the output is all zeros.
    if (!(change < this.#threshold)) return undefined;
    this.#change = change;
    this.#before = sample;
    this.#saved += 1;
    return computed.outputs.slice(0, branches).map((output) =>
      sumOf([
        [1, sample],
        [1, output],
        [-1, computed.input],
      ]),
    );
  }

  #rateTo(sample: Float, [output]: readonly Float[], expert: string): number | undefined {
    const computed = this.#computed;
    const [last] = computed?.outputs ?? [];
    if (computed === undefined || output === undefined || last === undefined) return undefined;
    if (computed.expert !== expert) return undefined;
    const moved = meanDistance(sample, computed.input);
    return moved === 0 ? undefined : meanDistance(output, last) / moved;
  }

  #recall({ step, sample, memory }: SamplerState): void {
    const bad = new DiffusionError(
      'diffusion/bad-state',
      `Sampling cannot go on after step ${step} with calls skipped: it was begun without.`,
    );
    const tensorOf = (name: string): Float => {
      const value = memory[name];
      if (!isFloat(value) || !sameShape(value.shape, sample.shape)) throw bad;
      return value;
    };
    const numberOf = (name: string): number => {
      const value = memory[name];
      if (typeof value !== 'number') throw bad;
      return value;
    };
    const input = tensorOf(names.input);
    const outputs: Float[] = [];
    while (`${names.output}${outputs.length}` in memory)
      outputs.push(tensorOf(`${names.output}${outputs.length}`));
    const expert = memory[names.expert];
    if (outputs.length === 0 || typeof expert !== 'string') throw bad;
    this.#computed = { input, outputs, expert };
    this.#before = names.before in memory ? tensorOf(names.before) : input;
    this.#rate = names.rate in memory ? numberOf(names.rate) : undefined;
    this.#change = numberOf(names.change);
    this.#saved = numberOf(names.saved);
  }
}

/** How many calls of the model a sampling has done without so far. */
export function callsSaved(memory: SamplerMemory): number {
  const saved = memory[names.saved];
  return typeof saved === 'number' ? saved : 0;
}

/** What a sampler remembers itself: samplers refuse what they do not know. */
export function withoutSkipping(memory: SamplerMemory): SamplerMemory {
  return Object.fromEntries(Object.entries(memory).filter(([name]) => !name.startsWith(prefix)));
}

const prefix = 'skip.';
const names = {
  input: `${prefix}input`,
  output: `${prefix}output.`,
  before: `${prefix}before`,
  rate: `${prefix}rate`,
  change: `${prefix}change`,
  saved: `${prefix}saved`,
  expert: `${prefix}expert`,
} as const;

function isFloat(value: SamplerMemory[string] | undefined): value is Float {
  return typeof value === 'object' && value.dtype === 'float32';
}

/** Mean of |a|, in doubles. */
function meanAbsolute({ data }: Float): number {
  let sum = 0;
  for (const value of data) sum += Math.abs(value);
  return sum / data.length;
}

/** Mean of |a - b|, in doubles. */
function meanDistance(a: Float, b: Float): number {
  expectSameShape(a, b);
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += Math.abs(a.data[i]! - b.data[i]!);
  return sum / a.data.length;
}
