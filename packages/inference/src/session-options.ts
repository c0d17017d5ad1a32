import type { InferenceSession } from 'onnxruntime-node';
import type { DeviceName } from './devices.ts';

export interface SessionSettings {
  /** Threads of one run; 0 for all there are. */
  readonly threads: number;
  /** The processor when absent. What a device has no kernel for runs on the processor. */
  readonly device?: DeviceName;
  /** Fails where the device cannot be opened, instead of running on the processor unasked. */
  readonly isAlone?: boolean;
  /** Weights turned into the form that kernels like best: faster to run, but no longer shared with the file. */
  readonly prepack?: boolean;
}

/** How every session is opened, on the way in and for good. */
export function sessionOptionsFor({
  threads,
  prepack = true,
  device = 'cpu',
  isAlone = false,
}: SessionSettings): InferenceSession.SessionOptions {
  return {
    executionProviders: device === 'cpu' || isAlone ? [device] : [device, 'cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    // Without the arena memory falls back after a run; attention would otherwise hold its peak for ever.
    enableCpuMemArena: false,
    logSeverityLevel: 3,
    extra: {
      session: {
        // Threads that spin between operators more than double the time when others want the cores.
        intra_op: { allow_spinning: '0' },
        ...(prepack ? {} : { disable_prepacking: '1' }),
      },
    },
  };
}
