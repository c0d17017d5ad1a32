/** What passes between the thread that wants numbers and the worker that computes them. */
import type { Tensor } from '@reelgraph/tensor';

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
  /** Closes every session; the answer has no outputs. */
  | { readonly kind: 'release'; readonly id: number };

export interface SessionOutputs {
  readonly outputs: Readonly<Record<string, Tensor>>;
  /** Time inside `session.run` alone. */
  readonly runMs: number;
}

export type SessionAnswer =
  | ({ readonly kind: 'done'; readonly id: number } & SessionOutputs)
  /** `stage` tells a file that cannot be opened from feeds that do not fit. */
  | {
      readonly kind: 'failed';
      readonly id: number;
      readonly stage: 'open' | 'run';
      readonly message: string;
    };

/** What the worker is started with. */
export interface SessionWorkerOptions {
  /** Threads one run may use. */
  readonly threads: number;
  /** Graphs kept open, by the bytes of their files; those not used for longest are closed beyond it. No limit when absent. */
  readonly openBytes?: number;
}

/** Below this a message copies a tensor faster than a buffer changes its owner. */
export const transferFromBytes = 256 * 1024;
