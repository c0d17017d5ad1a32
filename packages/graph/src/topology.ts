/**
 * Order and reach in a graph. Everything here is iterative and linear in nodes and edges: a chain of ten
 * thousand nodes must neither overflow the stack nor take quadratic time.
 */

/** An edge with plain string ids: edges of documents and of flattened graphs both fit. */
export interface TopologyEdge {
  readonly from: readonly [string, string];
  readonly to: readonly [string, string];
}

/** Order of a graph, or the cycles that keep it from having one. */
export type TopologyResult =
  | { readonly ok: true; readonly order: readonly string[] }
  | { readonly ok: false; readonly cycles: readonly (readonly string[])[] };

/** Nodes after everything they need (Kahn); ties keep the order of `nodeIds`. Edges to unknown nodes do not count. */
export function topologicalOrder(nodeIds: Iterable<string>, edges: readonly TopologyEdge[]): TopologyResult {
  const waitingFor = new Map<string, number>();
  for (const id of nodeIds) waitingFor.set(id, 0);
  const known = edges.filter((edge) => waitingFor.has(edge.from[0]) && waitingFor.has(edge.to[0]));
  const next = adjacency(known, 'downstream');
  for (const { to } of known) waitingFor.set(to[0], (waitingFor.get(to[0]) ?? 0) + 1);
  const order: string[] = [];
  for (const [id, count] of waitingFor) if (count === 0) order.push(id);
  for (let at = 0; at < order.length; at += 1) {
    for (const id of next.get(order[at] ?? '') ?? []) {
      const left = (waitingFor.get(id) ?? 0) - 1;
      waitingFor.set(id, left);
      if (left === 0) order.push(id);
    }
  }
  return order.length === waitingFor.size
    ? { ok: true, order }
    : { ok: false, cycles: findCycles(waitingFor.keys(), known) };
}

/** All nodes that `targets` need, directly or not, and the targets themselves. */
export function ancestorsOf(targets: Iterable<string>, edges: readonly TopologyEdge[]): Set<string> {
  return reach(targets, adjacency(edges, 'upstream'));
}

/** All nodes that need one of `sources`, directly or not, and the sources themselves. */
export function descendantsOf(sources: Iterable<string>, edges: readonly TopologyEdge[]): Set<string> {
  return reach(sources, adjacency(edges, 'downstream'));
}

/** Neighbours of each node that has any. */
export function adjacency(
  edges: readonly TopologyEdge[],
  direction: 'upstream' | 'downstream',
): Map<string, string[]> {
  const map = new Map<string, string[]>();
  for (const { from, to } of edges) {
    const [key, value] = direction === 'downstream' ? [from[0], to[0]] : [to[0], from[0]];
    const list = map.get(key);
    if (list === undefined) map.set(key, [value]);
    else list.push(value);
  }
  return map;
}

function reach(starts: Iterable<string>, next: ReadonlyMap<string, readonly string[]>): Set<string> {
  const seen = new Set(starts);
  for (const id of seen) for (const other of next.get(id) ?? []) seen.add(other);
  return seen;
}

/**
 * Cycles as groups of nodes that all reach each other (Tarjan's strongly connected components, with an explicit
 * stack). Nodes of a group come in the order they were reached.
 */
export function findCycles(nodeIds: Iterable<string>, edges: readonly TopologyEdge[]): string[][] {
  const next = adjacency(edges, 'downstream');
  const ids = [...nodeIds];
  const known = new Set(ids);
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  const isOpen = new Set<string>();
  const cycles: string[][] = [];
  const lower = (id: string, value: number): void => {
    low.set(id, Math.min(low.get(id) ?? value, value));
  };
  const enter = (id: string): { id: string; at: number } => {
    index.set(id, index.size);
    low.set(id, index.size - 1);
    open.push(id);
    isOpen.add(id);
    return { id, at: 0 };
  };
  for (const root of ids) {
    if (index.has(root)) continue;
    const visits = [enter(root)];
    for (let visit = visits.at(-1); visit !== undefined; visit = visits.at(-1)) {
      const successor = next.get(visit.id)?.[visit.at];
      if (successor !== undefined) {
        visit.at += 1;
        if (!known.has(successor)) continue;
        if (!index.has(successor)) visits.push(enter(successor));
        else if (isOpen.has(successor)) lower(visit.id, index.get(successor) ?? 0);
        continue;
      }
      visits.pop();
      const parent = visits.at(-1);
      if (parent !== undefined) lower(parent.id, low.get(visit.id) ?? 0);
      if (low.get(visit.id) !== index.get(visit.id)) continue;
      const group = open.splice(open.lastIndexOf(visit.id));
      for (const id of group) isOpen.delete(id);
      if (group.length > 1 || next.get(visit.id)?.includes(visit.id) === true) cycles.push(group);
    }
  }
  return cycles;
}
