/**
 * Noise that one thread draws while the model is at work in the other, and the word to stop: in memory that both see,
 * because between two steps even a message costs a share of the time that can be measured.
 *
 * An int32 says how many steps have their noise, or that nobody waits for the sampling any more. Two places hold the
 * noise of a step and of the one after: a place is used again when the step is done that it was for.
 */
import { elementCount, type Tensor } from '@reelgraph/tensor';

/** What is sent to the other thread. */
export interface SharedNoise {
  readonly memory: SharedArrayBuffer;
  /** Of the noise of a step. */
  readonly shape: readonly number[];
  /** First step that no noise is drawn for. */
  readonly endStep: number;
}

const headBytes = 8;
const places = 2;
const stopped = -1;

function placeOf({ memory, shape }: SharedNoise, step: number): Float32Array {
  const length = elementCount(shape);
  return new Float32Array(
    memory,
    headBytes + (step % places) * length * Float32Array.BYTES_PER_ELEMENT,
    length,
  );
}

/** The side that draws, step after step. */
export class NoiseSource {
  readonly shared: SharedNoise;
  readonly #head: Int32Array;
  readonly #draw: (step: number) => Tensor<'float32'>;
  readonly #endStep: number;
  #drawn: number;

  /**
   * @param steps those that need noise, `endStep` not counted; none when there is nothing to draw
   * @param draw  noise of a step, of this shape
   */
  constructor(
    shape: readonly number[],
    steps: { readonly firstStep: number; readonly endStep: number },
    draw: (step: number) => Tensor<'float32'>,
  ) {
    const isEmpty = steps.firstStep >= steps.endStep;
    const bytes = isEmpty ? 0 : places * elementCount(shape) * Float32Array.BYTES_PER_ELEMENT;
    this.shared = { memory: new SharedArrayBuffer(headBytes + bytes), shape, endStep: steps.endStep };
    this.#head = new Int32Array(this.shared.memory, 0, 1);
    this.#draw = draw;
    this.#drawn = steps.firstStep;
    this.#endStep = steps.endStep;
  }

  /** Draws what has a place when so many steps are done; before the first report, when it begins. */
  drawAfter(stepsDone = this.#drawn): void {
    const end = Math.min(this.#endStep, stepsDone + places);
    while (this.#drawn < end && Atomics.load(this.#head, 0) !== stopped) {
      placeOf(this.shared, this.#drawn).set(this.#draw(this.#drawn).data);
      this.#drawn += 1;
      Atomics.store(this.#head, 0, this.#drawn);
      Atomics.notify(this.#head, 0);
    }
  }

  /** The sampling ends after the step at work. */
  stop(): void {
    Atomics.store(this.#head, 0, stopped);
    Atomics.notify(this.#head, 0);
  }
}

/** The side that samples. */
export class NoiseSink {
  readonly #shared: SharedNoise;
  readonly #head: Int32Array;

  constructor(shared: SharedNoise) {
    this.#shared = shared;
    this.#head = new Int32Array(shared.memory, 0, 1);
  }

  /** @throws Error when nobody waits for the sampling any more */
  throwIfStopped(): void {
    if (Atomics.load(this.#head, 0) === stopped) throw new Error('The sampling was stopped.');
  }

  /**
   * Noise of a step; it holds until the step is reported. Blocks the thread until it is drawn.
   *
   * @throws RangeError for a step that none is drawn for: it would be waited for without end
   */
  noiseOf(step: number): Tensor<'float32'> {
    if (step >= this.#shared.endStep) throw new RangeError(`No noise is drawn for step ${step}.`);
    for (;;) {
      this.throwIfStopped();
      const drawn = Atomics.load(this.#head, 0);
      if (drawn > step) break;
      Atomics.wait(this.#head, 0, drawn);
    }
    const { shape } = this.#shared;
    return { dtype: 'float32', shape, data: placeOf(this.#shared, step) };
  }
}
