/** Notes what the nodes of a run took, for forecasts. What was cached, failed or continued tells nothing and is left out. */
import type { OutputSummary } from '@reelgraph/graph';
import type { InferContext } from '@reelgraph/node-api';
import type { Store } from '@reelgraph/store';
import { type Outputs, valueBytes } from '../memory-cache.ts';
import type { PlannedNode, RunPlan } from '../plan.ts';
import { addCosts, type CostSample, kindKey, runKind } from './cost-samples.ts';
import { modelOfNode, workOf } from './work.ts';

type Summaries = Readonly<Record<string, OutputSummary>>;

/** A node that ran from its beginning to its end. */
export interface FinishedNode {
  readonly node: PlannedNode;
  readonly plan: RunPlan;
  readonly lane: string;
  readonly durationMs: number;
  /** Of what feeds it, by its ports. */
  readonly inputs: Readonly<Record<string, OutputSummary | undefined>>;
  readonly summaries: Summaries;
  readonly outputs: Outputs;
  readonly isKept: boolean;
  /** Resident memory when it began. */
  readonly restBytes: number;
  /** Most in the samples taken while it ran. */
  readonly peakBytes: number | undefined;
}

/** What an engine remembers between runs. */
export interface CostRecorder {
  /** Begins a run. Runs may overlap. */
  open(): RunCosts;
}

export interface RunCosts {
  /** The number of nodes at work changed to this. */
  working(count: number, nowMs: number): void;
  finished(finished: FinishedNode): void;
  /** The run is over. Its own share is noted only where it was whole. */
  end(run: { readonly durationMs: number; readonly nowMs: number; readonly isWhole: boolean }): void;
}

/** Samples of a kind taken in one run; thousands of equal nodes tell no more. */
const maxPerRun = 16;

const noCosts: RunCosts = { working: () => undefined, finished: () => undefined, end: () => undefined };

export interface CostRecorderOptions {
  readonly store: Store | undefined;
  readonly inferContext: (() => InferContext) | undefined;
  readonly residentBytes: () => number;
}

export function createCostRecorder({
  store,
  inferContext = () => ({ models: new Map() }),
  residentBytes,
}: CostRecorderOptions): CostRecorder {
  /** Kinds and variants whose model this process has loaded. */
  const warm = new Set<string>();
  if (store === undefined) return { open: () => noCosts };
  return {
    open() {
      const samples = new Map<string, CostSample[]>();
      let context: InferContext | undefined;
      let busyMs = 0;
      let busySinceMs: number | undefined;
      return {
        working(count, nowMs) {
          if (count > 0) busySinceMs ??= nowMs;
          else if (busySinceMs !== undefined) {
            busyMs += nowMs - busySinceMs;
            busySinceMs = undefined;
          }
        },
        finished({ node, plan, lane, durationMs, restBytes, peakBytes, outputs, isKept, ...known }) {
          const { definition, params } = node;
          const question = {
            params,
            inputs: factsOf(known.inputs),
            outputs: factsOf(known.summaries),
          };
          const model = modelOfNode(definition, question);
          const digest = model === undefined ? '' : (plan.digests.models.get(model.name) ?? '');
          const kind = kindKey({ type: definition.type, version: definition.version, model: digest, lane });
          const list = samples.get(kind) ?? [];
          if (list.length >= maxPerRun) return;
          samples.set(kind, list);
          context ??= inferContext();
          const work = workOf(definition, { ...question, context });
          const variant = model?.variant ?? '';
          const warmKey = `${kind}\n${variant}`;
          const isCold = model !== undefined && definition.lane === 'inference' && !warm.has(warmKey);
          warm.add(warmKey);
          list.push({
            durationMs,
            variant,
            isCold,
            resultBytes: isKept ? valueBytes(outputs) + fileBytesIn(outputs) : 0,
            ...(work === undefined ? {} : { work }),
            ...(peakBytes === undefined ? {} : { memory: { restBytes, peakBytes } }),
          });
        },
        end({ durationMs, nowMs, isWhole }) {
          this.working(0, nowMs);
          if (samples.size === 0) return;
          if (isWhole) {
            const sample = { durationMs: Math.max(0, durationMs - busyMs), variant: '', isCold: false };
            samples.set(runKind, [{ ...sample, resultBytes: 0 }]);
          }
          const held = { pid: process.pid, heldBytes: residentBytes(), warm: [...warm] };
          addCosts(store, samples, held);
        },
      };
    },
  };
}

function factsOf(summaries: Readonly<Record<string, OutputSummary | undefined>>) {
  return Object.fromEntries(Object.entries(summaries).map(([port, summary]) => [port, summary?.facts]));
}

/** Sizes of the files that a value refers to. What stands in several places of it counts once. */
function fileBytesIn(value: unknown, depth = 0, seen: Set<object> = new Set()): number {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || depth > 64) return 0;
  if (seen.has(value)) return 0;
  seen.add(value);
  if ('kind' in value && value.kind === 'file' && 'byteLength' in value)
    return typeof value.byteLength === 'number' ? value.byteLength : 0;
  return Object.values(value).reduce((sum: number, part) => sum + fileBytesIn(part, depth + 1, seen), 0);
}
