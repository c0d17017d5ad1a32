/** What a node's picture depends on besides its document: its part of the shown run, and what is wrong with it. */
import type { GraphIssue, NodeRunState } from '@reelgraph/graph';
import type { CheckAnswer } from '@reelgraph/protocol';
import { useEditor } from '../app/editor-context.ts';
import { useSelected } from '../state/observable.ts';

export function useNodeRun(id: string): NodeRunState | undefined {
  return useSelected(useEditor().runs.shown, (run) => run?.nodes[id]);
}

const none: readonly GraphIssue[] = [];
const grouped = new WeakMap<CheckAnswer, Map<string, GraphIssue[]>>();

export function useNodeIssues(id: string): readonly GraphIssue[] {
  return useSelected(useEditor().check, (check) => issuesByNode(check).get(id) ?? none);
}

function issuesByNode(check: CheckAnswer): Map<string, GraphIssue[]> {
  let map = grouped.get(check);
  if (!map) {
    map = new Map();
    for (const issue of check.issues) {
      if (issue.nodeId === undefined) continue;
      const list = map.get(issue.nodeId);
      if (list) list.push(issue);
      else map.set(issue.nodeId, [issue]);
    }
    grouped.set(check, map);
  }
  return map;
}
