/** One run of an ONNX graph: our tensors in, our tensors out. */
import type { DType, Tensor, TypedArrays } from '@reelgraph/tensor';
import { type InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import type { SessionOutputs } from './session-messages.ts';

/** The runtime's names of our dtypes are the same. */
const knownDTypes: ReadonlySet<string> = new Set<DType>([
  'float32',
  'float16',
  'int32',
  'int64',
  'uint8',
  'bool',
]);

function isOneOfOurs(value: OrtTensor): value is OrtTensor & { type: DType; data: TypedArrays[DType] } {
  return knownDTypes.has(value.type);
}

/** `open`: the file is no usable graph. `run`: the feeds do not fit. `memory`: there is too little. */
export class GraphFailure extends Error {
  readonly stage: 'open' | 'run' | 'memory';

  constructor(stage: 'open' | 'run' | 'memory', cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.stage = stage;
  }
}

/** Errors of the runtime are texts; these are those of its allocators on processors and devices. */
export function isOutOfMemory(error: unknown): boolean {
  const text = error instanceof Error ? error.message : String(error);
  return /bad_alloc|out of memory|failed to allocate memory|BFCArena|CUDA failure 2\b|cudaErrorMemoryAllocation/i.test(
    text,
  );
}

/** @throws GraphFailure */
export async function runGraph(
  session: InferenceSession,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<SessionOutputs> {
  try {
    const given: Record<string, OrtTensor> = {};
    for (const [name, { dtype, data, shape }] of Object.entries(feeds)) {
      given[name] = new OrtTensor(dtype, data, shape);
    }
    const before = performance.now();
    const results = await session.run(given);
    const runMs = performance.now() - before;
    const outputs: Record<string, Tensor> = {};
    for (const [name, value] of Object.entries(results)) {
      if (!(value instanceof OrtTensor) || !isOneOfOurs(value)) {
        throw new Error(`Output "${name}" has the type ${value.type}, which has no place here.`);
      }
      outputs[name] = { dtype: value.type, shape: [...value.dims], data: value.data };
    }
    return { outputs, runMs };
  } catch (error) {
    throw new GraphFailure(isOutOfMemory(error) ? 'memory' : 'run', error);
  }
}
