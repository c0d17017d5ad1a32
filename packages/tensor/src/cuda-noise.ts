/**
 * Noise as `torch.manual_seed(seed); torch.randn(n, device='cuda')` draws it, for clips that were made with a generator
 * on a GPU. Every element has a thread of its own, so that beyond the threads that a GPU holds at once the values
 * depend on its model.
 *
 * Not bit for bit: a GPU takes logarithm and sine from its own tables, good to about 5e-7.
 *
 * @see pytorch/pytorch, aten/src/ATen/native/cuda/DistributionTemplates.h (BSD-3-Clause), and the cuRAND guide,
 *   `curand_normal4`; written anew here
 */
import { elementCount } from './create.ts';
import { parseSeed } from './noise.ts';
import { philox4x32 } from './philox.ts';
import type { Tensor } from './tensor.ts';

/** What of a GPU the values depend on. */
export interface GpuLayout {
  readonly multiprocessors: number;
  readonly threadsPerMultiprocessor: number;
}

/** H100 and H200. Smaller clips, up to 270,336 numbers, are the same on every GPU with as many threads or more. */
export const hopperLayout: GpuLayout = { multiprocessors: 132, threadsPerMultiprocessor: 2048 };

const blockThreads = 256;
const perThread = 4;
const word = 2 ** 32;
const f = Math.fround;

/** A stream of normal numbers; successive calls go on where the last one stopped. */
export class CudaNoiseGenerator {
  readonly #key: readonly [number, number];
  readonly #mostBlocks: number;
  #offset = 0;

  /** @param seed decimal string of 64 bits, all of which count */
  constructor(seed: string, layout: GpuLayout = hopperLayout) {
    const bits = parseSeed(seed);
    this.#key = [Number(bits & 0xffff_ffffn), Number(bits >> 32n)];
    this.#mostBlocks = Math.floor((layout.multiprocessors * layout.threadsPerMultiprocessor) / blockThreads);
  }

  /** Standard-normal numbers, as torch.randn. */
  normal(shape: readonly number[]): Tensor<'float32'> {
    const data = new Float32Array(elementCount(shape));
    if (data.length === 0) return { dtype: 'float32', shape: [...shape], data };
    const threads = blockThreads * Math.min(this.#mostBlocks, Math.ceil(data.length / blockThreads));
    const loops = Math.floor((data.length - 1) / (perThread * threads)) + 1;
    for (let loop = 0; loop < loops; loop++) {
      const counter = this.#offset / perThread + loop;
      for (let thread = 0; thread < threads; thread++) {
        const first = loop * perThread * threads + thread;
        if (first >= data.length) break;
        const normals = normalsOf(counter, thread, this.#key);
        for (let i = 0; i < perThread; i++) {
          const at = first + i * threads;
          if (at < data.length) data[at] = normals[i]!;
        }
      }
    }
    this.#offset += perThread * loops;
    return { dtype: 'float32', shape: [...shape], data };
  }
}

/** Box and Muller, twice: a radius from one word, an angle from the next. */
function normalsOf(counter: number, thread: number, key: readonly [number, number]): readonly number[] {
  const words = philox4x32([counter % word, Math.floor(counter / word), thread, 0], key);
  const pair = (x: number, y: number): readonly [number, number] => {
    const radius = Math.sqrt(-2 * Math.log(f(f(x) / word + 0.5 / word)));
    const angle = f((f(y) * 2 * Math.PI) / word + Math.PI / word);
    return [radius * Math.sin(angle), radius * Math.cos(angle)];
  };
  return [...pair(words[0], words[1]), ...pair(words[2], words[3])];
}
