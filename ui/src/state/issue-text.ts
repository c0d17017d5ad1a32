import type { GraphIssue } from '@reelgraph/graph';

/** The message without the name of the node, for where the node itself is seen: `Prompt ("prompt"): …`. */
export function messageOnNode(issue: GraphIssue): string {
  if (issue.nodeId === undefined) return issue.message;
  const name = `"${issue.nodeId}"`;
  const end = issue.message.indexOf(': ');
  const before = issue.message.slice(0, end);
  if (end < 0 || !(before === name || before.includes(`(${name})`) || before.startsWith(`Node ${name}`)))
    return issue.message;
  const rest = issue.message.slice(end + 2);
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}
