/** Turns the many reports of a working node into the few that people can see. */
import type { RunEventBody } from '@reelgraph/graph';
import type { ProgressUpdate } from '@reelgraph/node-api';
import type { Clock } from './engine-types.ts';

/** Shortest time between two reports of a node, unless the second is its last. */
const reportEveryMs = 100;
/** Shortest time between two previews of a node: about five a second. */
const previewEveryMs = 200;
/** Previews take cores from the node they show: at most this share of its time. */
const previewShare = 0.02;

/** When the next preview may begin, after one that took from `beganMs` to `endedMs`. */
export function nextPreviewAt(beganMs: number, endedMs: number): number {
  return Math.max(beganMs + previewEveryMs, endedMs + (endedMs - beganMs) / previewShare);
}

type ProgressBody = Extract<RunEventBody, { type: 'node.progress' }>;

export interface ProgressMeter {
  update(update: ProgressUpdate): void;
  /** The node goes on from this step of an interrupted run; every later report says so. */
  continueFrom(step: number): void;
  readonly step: number;
  readonly isDone: boolean;
  readonly continuedFrom: number | undefined;
}

/** Rate and time left, measured from the first report: what happens before it (loading a model) is no step. */
export function createProgressMeter(
  nodeId: string,
  clock: Clock,
  emit: (body: ProgressBody) => void,
): ProgressMeter {
  let continuedFrom: number | undefined;
  let first: { readonly step: number; readonly atMs: number } | undefined;
  let reportedAtMs = Number.NEGATIVE_INFINITY;
  let lastMessage: string | undefined;
  let step = 0;
  let total = 1;
  return {
    get step() {
      return step;
    },
    get isDone() {
      return step >= total;
    },
    get continuedFrom() {
      return continuedFrom;
    },
    continueFrom(from) {
      continuedFrom = from;
    },
    update({ step: reported, totalSteps, message }) {
      step = Math.max(0, Math.round(reported));
      total = Math.max(1, Math.round(totalSteps));
      const now = clock.elapsed();
      // Going back means that another round of steps has begun.
      if (first === undefined || step < first.step) first = { step, atMs: now };
      const isNews = step >= total || message !== lastMessage || now - reportedAtMs >= reportEveryMs;
      if (!isNews) return;
      reportedAtMs = now;
      lastMessage = message;
      const secondsPerStep = step > first.step ? (now - first.atMs) / 1000 / (step - first.step) : undefined;
      emit({
        type: 'node.progress',
        nodeId,
        step,
        totalSteps: total,
        ...(secondsPerStep === undefined
          ? {}
          : { secondsPerStep, etaSeconds: secondsPerStep * Math.max(0, total - step) }),
        ...(message === undefined ? {} : { message }),
        ...(continuedFrom === undefined ? {} : { continuedFrom }),
      });
    },
  };
}
