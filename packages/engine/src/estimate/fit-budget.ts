/**
 * What would bring a run within its budget: fewer frames, a smaller size or fewer steps, each alone, as much as fits.
 * Which params set these is found by trying, so no node is known by name.
 */
import {
  excessesOf,
  type FittingSettings,
  type ParamValue,
  type PortFacts,
  type RunBudget,
  type RunForecast,
  type Workflow,
} from '@reelgraph/graph';
import type { InferContext, NodeRegistry } from '@reelgraph/node-api';
import { checkWorkflow, inferFacts } from '../check.ts';

export interface FitOptions {
  readonly registry: NodeRegistry;
  readonly context: InferContext;
  readonly budget: RunBudget;
  /** Forecast of the same run of another document; undefined when it cannot run. */
  readonly forecast: (workflow: Workflow) => Promise<RunForecast | undefined>;
}

type Extent = 'frameCount' | 'steps' | 'widthPx' | 'heightPx';
const extents: readonly Extent[] = ['frameCount', 'steps', 'widthPx', 'heightPx'];

/** A param that sets how long, large or thorough a clip is. */
interface Knob {
  readonly nodeId: string;
  readonly param: string;
  readonly sets: Extent;
  /** What it comes to now, also where the param says `auto`. */
  readonly now: number;
  readonly least: number;
}

/** Params tried out at most; a graph of a thousand nodes is not searched for knobs. */
const maxTried = 60;
/** Values tried below the largest that fits, when that one is wrong for another reason. */
const triedBelow = 16;

export async function findFitting(workflow: Workflow, options: FitOptions): Promise<FittingSettings[]> {
  const facts = inferFacts(workflow, options.registry, options.context);
  const all = Object.values(facts).flatMap((ports) => Object.values(ports));
  const { multiple, plus } = all.find(({ frameRule }) => frameRule !== undefined)?.frameRule ?? {
    multiple: 1,
    plus: 0,
  };
  const sizeMultiple = all.find((known) => known.sizeMultiple !== undefined)?.sizeMultiple ?? 8;
  const knobs = findKnobs(workflow, facts, options);
  const found: FittingSettings[] = [];
  const frames = knobs.filter(({ sets }) => sets === 'frameCount');
  const [longest] = frames.map(({ now }) => now).sort((a, b) => b - a);
  if (longest !== undefined) {
    const counts = below(longest, multiple, plus);
    const best = await largest(counts, workflow, options, (count) => setAll(workflow, frames, () => count));
    if (best !== undefined)
      found.push({ label: `${best} ${best === 1 ? 'frame' : 'frames'} instead of ${longest}` });
  }
  const sides = knobs.filter(({ sets }) => sets === 'widthPx' || sets === 'heightPx');
  const width = Math.max(0, ...sides.filter(({ sets }) => sets === 'widthPx').map(({ now }) => now));
  const height = Math.max(0, ...sides.filter(({ sets }) => sets === 'heightPx').map(({ now }) => now));
  if (width > 0 && height > 0) {
    const scaled = (side: number, to: number): number =>
      Math.max(sizeMultiple, Math.round((side * to) / width / sizeMultiple) * sizeMultiple);
    const best = await largest(below(width, sizeMultiple, 0), workflow, options, (to) =>
      setAll(workflow, sides, ({ now }) => scaled(now, to)),
    );
    if (best !== undefined)
      found.push({ label: `${scaled(width, best)}×${scaled(height, best)} instead of ${width}×${height}` });
  }
  const plans = knobs.filter(({ sets }) => sets === 'steps');
  const [most] = plans.map(({ now }) => now).sort((a, b) => b - a);
  if (most !== undefined) {
    const best = await largest(below(most, 1, 0), workflow, options, (steps) =>
      setAll(workflow, plans, () => steps),
    );
    if (best !== undefined)
      found.push({ label: `${best} ${best === 1 ? 'step' : 'steps'} instead of ${most}` });
  }
  return found;
}

/** `plus + n × multiple` below `value`, ascending. */
function below(value: number, multiple: number, plus: number): number[] {
  const values: number[] = [];
  for (let each = plus > 0 ? plus : multiple; each < value; each += multiple) values.push(each);
  return values;
}

/** The largest value under which the run fits and nothing new is wrong. Costs grow with it, so it is found by halving. */
async function largest(
  values: readonly number[],
  workflow: Workflow,
  { registry, context, budget, forecast }: FitOptions,
  change: (value: number) => Workflow | undefined,
): Promise<number | undefined> {
  const errorsOf = (document: Workflow): number =>
    checkWorkflow(document, registry, context).issues.filter(({ severity }) => severity === 'error').length;
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const changed = change(values[middle] ?? 0);
    const expected = changed === undefined ? undefined : await forecast(changed);
    if (expected !== undefined && excessesOf(expected, budget).length === 0) low = middle + 1;
    else high = middle;
  }
  const errorsBefore = errorsOf(workflow);
  // A node may have a rule of its own that no fact tells, such as 4n + 1 frames: the next below that keeps it.
  for (let index = low - 1; index >= 0 && index >= low - triedBelow; index -= 1) {
    const value = values[index] ?? 0;
    const changed = change(value);
    if (changed !== undefined && errorsOf(changed) <= errorsBefore) return value;
  }
  return undefined;
}

/** Undefined when a value is out of the range of its param. */
function setAll(
  workflow: Workflow,
  knobs: readonly Knob[],
  settingOf: (knob: Knob) => number,
): Workflow | undefined {
  let changed = workflow;
  for (const knob of knobs) {
    const value = Math.min(knob.now, settingOf(knob));
    if (value < knob.least) return undefined;
    changed = withParam(changed, knob.nodeId, knob.param, value);
  }
  return changed;
}

function withParam(workflow: Workflow, nodeId: string, param: string, value: ParamValue): Workflow {
  const node = workflow.nodes[nodeId];
  if (node === undefined) return workflow;
  const changed = { ...node, params: { ...node.params, [param]: value } };
  return { ...workflow, nodes: { ...workflow.nodes, [nodeId]: changed } };
}

/** Whole-number params that an extent of the node's outputs follows. */
function findKnobs(
  workflow: Workflow,
  facts: ReturnType<typeof inferFacts>,
  { registry, context }: FitOptions,
): Knob[] {
  const knobs: Knob[] = [];
  let tried = 0;
  for (const [nodeId, node] of Object.entries(workflow.nodes)) {
    const before = merged(facts[nodeId]);
    if (!extents.some((extent) => before[extent] !== undefined)) continue;
    for (const [param, declared] of Object.entries(registry.get(node.type)?.params ?? {})) {
      if (declared.kind !== 'integer' || tried >= maxTried) continue;
      const now = node.params[param] ?? declared.default;
      const least = Math.max(1, declared.min);
      // Another value than now; fewer than a clip has, where that can be.
      const trial = Math.min(declared.max, Math.max(least, now === 5 ? 9 : 5));
      if (trial === now) continue;
      tried += 1;
      const after = merged(inferFacts(withParam(workflow, nodeId, param, trial), registry, context)[nodeId]);
      for (const sets of extents) {
        const is = before[sets];
        if (is !== undefined && is !== trial && after[sets] === trial)
          knobs.push({ nodeId, param, sets, now: is, least });
      }
    }
  }
  return knobs;
}

function merged(ports: Readonly<Record<string, PortFacts>> | undefined): PortFacts {
  return Object.assign({}, ...Object.values(ports ?? {}));
}
