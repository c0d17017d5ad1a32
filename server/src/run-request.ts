/** What a run was asked to compute: a workflow, and what this run sets in it. */
import type { ParamValue, Workflow } from '@reelgraph/graph';
import { z } from 'zod';

/** nodeId -> param -> value. Apart from the workflow, so that thousands of runs of one workflow keep it once. */
export const runSettingsSchema = z.record(
  z.string(),
  z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
);
export type RunSettings = Readonly<Record<string, Readonly<Record<string, ParamValue>>>>;

export interface RunRequest {
  readonly workflow: Workflow;
  readonly settings?: RunSettings | undefined;
  /** Node ids to compute; all outputs when absent. */
  readonly targets?: readonly string[] | undefined;
}

/** What has to be set in `base` to have `changed`, which differs from it in params alone. */
export function settingsBetween(base: Workflow, changed: Workflow): RunSettings | undefined {
  const settings = Object.entries(changed.nodes).flatMap(([id, { params }]) => {
    const before = base.nodes[id]?.params ?? {};
    const set = Object.entries(params).filter(([name, value]) => before[name] !== value);
    return set.length === 0 ? [] : [[id, Object.fromEntries(set)] as const];
  });
  return settings.length === 0 ? undefined : Object.fromEntries(settings);
}

/** The workflow as the run has it. Settings of nodes that are not there are passed over. */
export function applySettings(workflow: Workflow, settings: RunSettings | undefined): Workflow {
  if (settings === undefined) return workflow;
  const nodes = { ...workflow.nodes };
  for (const [id, params] of Object.entries(settings)) {
    const node = Object.hasOwn(nodes, id) ? nodes[id] : undefined;
    if (node !== undefined) nodes[id] = { ...node, params: { ...node.params, ...params } };
  }
  return { ...workflow, nodes };
}
