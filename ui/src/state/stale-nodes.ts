/** Which results on the canvas no longer belong to the workflow as it stands now. */
import { descendantsOf, type Workflow, type WorkflowNode } from '@reelgraph/graph';

/**
 * Nodes that a new run would compute otherwise than `ran` did: those whose type, params, mode or incoming wires
 * changed, and all that comes after them.
 */
export function staleNodes(now: Workflow, ran: Workflow): Set<string> {
  const wiresNow = wiresInto(now);
  const wiresThen = wiresInto(ran);
  const changed = Object.entries(now.nodes)
    .filter(([id, node]) => !sameMeaning(node, ran.nodes[id]) || wiresNow.get(id) !== wiresThen.get(id))
    .map(([id]) => id);
  return changed.length === 0 ? new Set() : new Set([...changed, ...descendantsOf(changed, now.edges)]);
}

function sameMeaning(a: WorkflowNode, b: WorkflowNode | undefined): boolean {
  if (a === b) return true;
  if (!b || a.type !== b.type || a.mode !== b.mode || a.version !== b.version) return false;
  const names = new Set([...Object.keys(a.params), ...Object.keys(b.params)]);
  return [...names].every((name) => a.params[name] === b.params[name]);
}

/** By node, its incoming wires as one text, whatever their order in the document. */
function wiresInto(workflow: Workflow): Map<string, string> {
  const lists = new Map<string, string[]>();
  for (const { from, to } of workflow.edges) {
    const list = lists.get(to[0]) ?? [];
    list.push(`${to[1]} ${from[0]} ${from[1]}`);
    lists.set(to[0], list);
  }
  return new Map([...lists].map(([id, list]) => [id, list.sort().join('|')]));
}
