/** What a run that is over delivered: of the ends of its graph, those that it made and those that it could not. */
import { ancestorsOf, failuresOf, type NodeCatalogue, type RunState, type Workflow } from '@reelgraph/graph';

export interface RunDelivery {
  /** Names of nodes, in the order of the document. */
  readonly delivered: readonly string[];
  readonly missing: readonly string[];
}

/** Ends that were not asked for, or were muted, are neither. */
export function deliveryOf(run: RunState, workflow: Workflow, catalogue: NodeCatalogue): RunDelivery {
  const { nodes, edges } = workflow;
  const fed = new Set(edges.map(({ from }) => from[0]));
  const ends = Object.keys(nodes).filter((id) => !fed.has(id) && run.nodes[id] !== undefined);
  const failed = failuresOf(run).map(({ nodeId }) => nodeId);
  const isMissing = (id: string): boolean => {
    const needed = ancestorsOf([id], edges);
    return failed.some((nodeId) => needed.has(nodeId));
  };
  const isDelivered = (id: string): boolean => ['finished', 'cached'].includes(run.nodes[id]?.status ?? '');
  const titles = ends.map((id) => titleOf(id, workflow, catalogue));
  const nameOf = (id: string): string => {
    const title = titleOf(id, workflow, catalogue);
    return titles.filter((other) => other === title).length > 1 ? `${title} (${id})` : title;
  };
  return {
    delivered: ends.filter(isDelivered).map(nameOf),
    missing: ends.filter(isMissing).map(nameOf),
  };
}

function titleOf(id: string, { nodes }: Workflow, catalogue: NodeCatalogue): string {
  const node = nodes[id];
  return node?.title ?? catalogue.get(node?.type ?? '')?.title ?? id;
}

/** `Delivered: A. Not delivered: B, C.`; empty where neither is known. */
export function deliveryText({ delivered, missing }: RunDelivery): string {
  return [
    ...(delivered.length > 0 ? [`Delivered: ${delivered.join(', ')}.`] : []),
    ...(missing.length > 0 ? [`Not delivered: ${missing.join(', ')}.`] : []),
  ].join(' ');
}
