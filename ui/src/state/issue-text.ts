import type { GraphIssue } from '@reelgraph/graph';

/** The message without the name of the node, for where the node itself is seen. */
export function messageOnNode(issue: GraphIssue): string {
  const rest = /^Node "[^"]*"[^:"]*: (.+)$/s.exec(issue.message)?.[1];
  if (rest === undefined || !issue.message.startsWith(`Node "${issue.nodeId}"`)) return issue.message;
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}
