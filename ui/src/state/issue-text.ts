import type { GraphIssue } from '@reelgraph/graph';

/** The message without the name of the node, for where the node itself is seen. */
export function messageOnNode(issue: GraphIssue): string {
  if (issue.nodeId === undefined || !issue.message.startsWith(`Node "${issue.nodeId}"`)) return issue.message;
  const rest = issue.message.slice(issue.message.indexOf(': ') + 2);
  return rest.length === issue.message.length + 1
    ? issue.message
    : rest.charAt(0).toUpperCase() + rest.slice(1);
}
