/** Which fix to offer for an issue: the first proposal that was seen to help. */
import {
  applyFix,
  createFixFinder,
  type FactsByOutput,
  type GraphFix,
  type GraphIssue,
  type NodeCatalogue,
  type NodeFix,
  type Workflow,
} from '@reelgraph/graph';

/** An issue with what its node type proposes. */
export interface FoundIssue {
  readonly issue: GraphIssue;
  readonly proposed: readonly NodeFix[];
}

export interface FixRequest {
  readonly workflow: Workflow;
  readonly catalogue: NodeCatalogue;
  readonly facts: FactsByOutput;
  readonly found: readonly FoundIssue[];
  /** Checks a changed document. */
  look(workflow: Workflow): readonly GraphIssue[];
}

/**
 * Nodes looked at while proposals are tried, all together: a check runs at every edit and stays quick. Beyond it the
 * first proposal is offered untried.
 */
const mostNodesTried = 1500;
/** Proposals tried for one issue. */
const mostTries = 12;
/** Likewise while proposals are looked for; beyond it only values of a node's own params are offered. */
const mostNodesSearched = 10_000;

/** The issues, each with the fix to offer where there is one. */
export function offerFixes({ workflow, catalogue, facts, found, look }: FixRequest): GraphIssue[] {
  const finder = createFixFinder(workflow, catalogue, facts);
  const nodeCount = Math.max(1, Object.keys(workflow.nodes).length);
  const before = countByKey(found.map(({ issue }) => issue));
  let left = Math.floor(mostNodesTried / nodeCount);
  let searches = Math.floor(mostNodesSearched / nodeCount);

  const helpful = (issue: GraphIssue, proposals: Iterable<GraphFix>): GraphFix | undefined => {
    let second: GraphFix | undefined;
    let tries = 0;
    for (const fix of proposals) {
      if (tries >= mostTries) break;
      tries += 1;
      if (left <= 0) return second ?? fix;
      const changed = applyFix(workflow, fix);
      if (changed === workflow) continue;
      left -= 1;
      const after = countByKey(look(changed));
      const key = keyOf(issue);
      if ((after.get(key) ?? 0) >= (before.get(key) ?? 0)) continue;
      if (![...after].some(([other, count]) => isError(other) && count > (before.get(other) ?? 0)))
        return fix;
      // It helps, and shows what could not be seen before.
      second ??= fix;
    }
    return second;
  };

  return found.map(({ issue, proposed }) => {
    const { fix: _, ...rest } = issue;
    const proposals = searches > 0 ? finder.find(issue, proposed) : finder.findPlain(issue, proposed);
    searches -= 1;
    const fix = helpful(issue, proposals);
    return fix === undefined ? rest : { ...rest, fix };
  });
}

/** What makes two issues the same one before and after a change: messages and places in the JSON may differ. */
function keyOf({ severity, code, nodeId = '', port = '', param = '' }: GraphIssue): string {
  return [severity, code, nodeId, port, param].join(' ');
}

function isError(key: string): boolean {
  return key.startsWith('error ');
}

function countByKey(issues: readonly GraphIssue[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const issue of issues) counts.set(keyOf(issue), (counts.get(keyOf(issue)) ?? 0) + 1);
  return counts;
}
