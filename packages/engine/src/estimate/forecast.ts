/**
 * What a run would take, from its plan, what is kept of earlier runs, and what this machine's nodes took before. Runs
 * nothing and reads no result.
 */
import type { Expected, GraphIssue, NodeForecast, PortFacts, RunForecast, Workflow } from '@reelgraph/graph';
import type { InferContext, NodeRegistry } from '@reelgraph/node-api';
import { inferFacts } from '../check.ts';
import { type PlannedNode, type PlanOptions, planRun, type RunPlan } from '../plan.ts';
import { type CostModel, createCostModel, type NodeCost } from './cost-model.ts';
import { type CostHistory, type KnownProcess, kindKey, runKind } from './cost-samples.ts';
import { scheduleLanes } from './lane-schedule.ts';
import { modelOfNode, workOf } from './work.ts';

/** Cost models by kind of node, each fitted when it is first asked for. */
export interface CostBook {
  modelOf(kind: string): CostModel | undefined;
  /** What is known of the process that would run. */
  processOf(pid: number | undefined): KnownProcess | undefined;
}

export function createCostBook({ kinds, processes }: CostHistory): CostBook {
  const models = new Map<string, CostModel>();
  return {
    modelOf(kind) {
      const fitted = models.get(kind);
      const samples = kinds.get(kind);
      if (fitted !== undefined || samples?.[0] === undefined) return fitted;
      const model = createCostModel(samples);
      models.set(kind, model);
      return model;
    },
    processOf: (pid) => (pid === undefined ? undefined : processes.find((known) => known.pid === pid)),
  };
}

export interface ForecastOptions extends PlanOptions {
  readonly registry: NodeRegistry;
  readonly context: InferContext;
  readonly book: CostBook;
  /** Whether a result stands under this key. */
  readonly isKept: (key: string) => boolean;
  /** The process that would run it, which may hold models already; a fresh one when absent. */
  readonly pid?: number | undefined;
  /** As for the engine. */
  readonly deviceOf?: (modelName: string) => string;
  readonly cpuLanes: number;
}

export type ForecastResult =
  | { readonly ok: true; readonly forecast: RunForecast }
  /** What keeps it from running at all. */
  | { readonly ok: false; readonly issues: readonly GraphIssue[] };

/** A planned node with what is expected of it. */
interface Expectation {
  readonly node: PlannedNode;
  readonly state: NodeForecast['state'];
  readonly lane: string;
  readonly loadsModel: boolean;
  readonly cost: NodeCost | undefined;
}

/** Forecasts a run of the document. Time is linear in its nodes, but for the first question of a kind of node. */
export async function forecastRun(workflow: Workflow, options: ForecastOptions): Promise<ForecastResult> {
  const planned = await planRun(workflow, options.registry, options);
  if (!planned.ok) return planned;
  const facts = inferFacts(workflow, options.registry, options.context);
  const expectations = expectNodes(planned.plan, facts, options);
  return { ok: true, forecast: summed(expectations, options) };
}

/** From the targets backwards, as the engine looks for what it need not compute. */
function expectNodes(
  plan: RunPlan,
  facts: ReturnType<typeof inferFacts>,
  { book, isKept, context, pid, deviceOf }: ForecastOptions,
): Expectation[] {
  const { nodes } = plan;
  const isNeeded = new Set(plan.targets.map((target) => nodes[target]?.sameAs ?? target));
  const states = new Map<number, NodeForecast['state']>();
  for (let index = nodes.length - 1; index >= 0; index -= 1) {
    const node = nodes[index];
    if (node === undefined) continue;
    const { key, definition } = node;
    const isCached = key !== undefined && definition.cache === 'disk' && isKept(key);
    const runs = isNeeded.has(index) && node.sameAs === undefined && !isCached;
    states.set(index, runs ? 'runs' : isCached || node.sameAs !== undefined ? 'cached' : 'not-needed');
    if (runs) for (const { from } of node.inputs) isNeeded.add(from);
  }
  const warm = new Set(book.processOf(pid)?.warm);
  return nodes.map((node, index): Expectation => {
    const state = states.get(index) ?? 'not-needed';
    const { definition, params } = node;
    const inputs: Record<string, PortFacts | undefined> = {};
    for (const { port, from, output } of node.inputs) inputs[port] = facts[nodes[from]?.id ?? '']?.[output];
    const question = { inputs, outputs: facts[node.id] ?? {}, params, context };
    const model = modelOfNode(definition, question);
    const device = model === undefined || deviceOf === undefined ? '' : `:${deviceOf(model.name)}`;
    const lane = definition.lane === 'cpu' ? 'cpu' : `${definition.lane}${device}`;
    if (state !== 'runs') return { node, state, lane, loadsModel: false, cost: undefined };
    const digest = model === undefined ? '' : (plan.digests.models.get(model.name) ?? '');
    const kind = kindKey({ type: definition.type, version: definition.version, model: digest, lane });
    const variant = model?.variant ?? '';
    const isCold = model !== undefined && definition.lane === 'inference' && !warm.has(`${kind}\n${variant}`);
    const cost = book.modelOf(kind)?.costOf({ work: workOf(definition, question), variant, isCold });
    return { node, state, lane, loadsModel: isCold, cost };
  });
}

function summed(expectations: readonly Expectation[], { book, pid, cpuLanes }: ForecastOptions): RunForecast {
  const nodes: Record<string, NodeForecast> = {};
  for (const { node, state, cost, loadsModel } of expectations) {
    nodes[node.id] = {
      state,
      samples: cost?.samples ?? 0,
      ...(cost === undefined ? {} : { timeMs: cost.timeMs, resultBytes: cost.resultBytes }),
      ...(cost?.peakBytes === undefined ? {} : { peakBytes: cost.peakBytes }),
      ...(cost !== undefined && loadsModel ? { loadsModel } : {}),
      ...(cost?.isFarOutside ? { isFarOutside: true } : {}),
    };
  }
  const running = expectations.filter(({ state }) => state === 'runs');
  const unknown = running.filter(({ cost }) => cost === undefined).map(({ node }) => node.id);
  const costs = running.flatMap(({ cost }) => cost ?? []);
  if (running.length > 0 && costs.length === 0) return { nodes, unknown };

  const schedule = scheduleLanes(
    expectations.map(({ node, lane, state, cost }) => ({
      durationMs: cost?.timeMs.likely ?? 0,
      // What is cached is there at once and takes no place.
      lane: state === 'runs' ? lane : 'none',
      after: state === 'runs' ? [...new Set(node.inputs.map(({ from }) => from))] : [],
    })),
    (lane) => (lane === 'none' ? Number.POSITIVE_INFINITY : lane === 'cpu' ? cpuLanes : 1),
  );
  const onPath = schedule.critical.flatMap((index) => expectations[index]?.cost?.timeMs ?? []);
  const overhead = book.modelOf(runKind)?.costOf({ work: undefined, variant: '', isCold: false }).timeMs;
  const likely = schedule.durationMs + (overhead?.likely ?? 0);
  const timeMs = combined(likely, overhead === undefined ? onPath : [...onPath, overhead]);

  const held = book.processOf(pid)?.heldBytes ?? 0;
  const peaks = costs.flatMap(({ peakBytes }) => peakBytes ?? []);
  // Where nothing runs, nothing is needed: what the process holds is no reason against it.
  const hasPeak = running.length > 0 && (peaks.length > 0 || held > 0);
  const peakBytes = hasPeak ? highest(peaks, held) : undefined;
  const disk = costs.map(({ resultBytes }) => resultBytes);
  return {
    nodes,
    unknown,
    timeMs,
    ...(peakBytes === undefined ? {} : { peakBytes }),
    diskBytes: combined(
      disk.reduce((sum, expected) => sum + expected.likely, 0),
      disk,
    ),
  };
}

/** A sum of guesses that err independently: their doubts add as squares. */
function combined(likely: number, parts: readonly Expected[]): Expected {
  const doubt = (side: (part: Expected) => number): number => Math.hypot(...parts.map(side));
  return {
    low: Math.max(0, likely - doubt((part) => part.likely - part.low)),
    likely,
    high: likely + doubt((part) => part.high - part.likely),
  };
}

/** The process needs what its hungriest node needs, and has what it holds already. */
function highest(peaks: readonly Expected[], held: number): Expected {
  const most = (side: (peak: Expected) => number): number => Math.max(held, ...peaks.map(side));
  return {
    low: most(({ low }) => low),
    likely: most(({ likely }) => likely),
    high: most(({ high }) => high),
  };
}
