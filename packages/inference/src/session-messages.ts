/** What passes between the thread that wants numbers and the worker that computes them. */
import type { DiffusionErrorCode, SamplerState, SamplingJob } from '@reelgraph/diffusion';
import type { Tensor, TensorErrorCode } from '@reelgraph/tensor';
import type { DeviceName } from './devices.ts';
import type { ClipToDenoise } from './families/denoiser.ts';
import type { SharedNoise } from './shared-noise.ts';

/** A graph to run: opened on first use and kept. */
export interface SessionRef {
  /** Absolute path of the .onnx file. */
  readonly path: string;
  /** Digest of its package: a session of the same path and another version is closed first. */
  readonly version: string;
}

export type SessionRequest =
  | {
      readonly kind: 'run';
      readonly id: number;
      readonly session: SessionRef;
      readonly feeds: Readonly<Record<string, Tensor>>;
    }
  /** All steps of a clip, one after the other; reports go out meanwhile. */
  | {
      readonly kind: 'sample';
      readonly id: number;
      readonly session: SessionRef;
      /** The network that takes over on the way, where there are two. */
      readonly second?: SessionRef;
      readonly family: string;
      readonly clip: ClipToDenoise;
      readonly job: SamplingJob;
      readonly noise: SharedNoise;
      /** Of `SafeSteps`. */
      readonly safeSteps: SharedArrayBuffer;
    }
  /** Closes every session; the answer has no outputs. */
  | { readonly kind: 'release'; readonly id: number };

/** A step of a sampling that is at work. */
export interface SessionReport {
  readonly kind: 'step';
  readonly id: number;
  readonly state: SamplerState;
  /** What the model thinks the clean latent is. */
  readonly clean: Tensor<'float32'>;
  /** Runs of the graph since the step before, and the time inside them. */
  readonly runs: number;
  readonly runMs: number;
}

export interface SessionOutputs {
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Time inside `session.run` alone. */
  readonly runMs: number;
}

export type SessionAnswer =
  | ({ readonly kind: 'done'; readonly id: number } & SessionOutputs)
  | { readonly kind: 'sampled'; readonly id: number; readonly state: SamplerState }
  /** The arithmetic between the runs of a sampling refused, or it was stopped. */
  | { readonly kind: 'failed'; readonly id: number; readonly stage: 'sample'; readonly error: CarriedError }
  /** `stage` tells a file that cannot be opened from feeds that do not fit. */
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly stage: 'open' | 'run' | 'memory';
      readonly message: string;
    };

/** An error that crosses threads; of other classes only the message does. */
export type CarriedError =
  | { readonly name: 'DiffusionError'; readonly code: DiffusionErrorCode; readonly message: string }
  | { readonly name: 'TensorError'; readonly code: TensorErrorCode; readonly message: string }
  | { readonly name: 'Error'; readonly message: string };

/** What the worker is started with. */
export interface SessionWorkerOptions {
  /** Threads one run may use. */
  readonly threads: number;
  /** Where graphs are opened; the processor when absent. */
  readonly device?: DeviceName;
  /** Graphs kept open, by the bytes of their files; those not used for longest are closed beyond it. No limit when absent. */
  readonly openBytes?: number;
}

/** The buffers of these tensors that are worth moving to the other thread. The sender gives them up. */
export function buffersToMove(tensors: Iterable<Tensor>): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { data } of tensors) {
    if (data.byteLength >= transferFromBytes && data.buffer instanceof ArrayBuffer) buffers.add(data.buffer);
  }
  return [...buffers];
}

/** Below this a message copies a tensor faster than a buffer changes its owner. */
export const transferFromBytes = 256 * 1024;
