/** Texts for people: issues, durations, sizes. */
import type { GraphIssue } from '@reelgraph/graph';

/** `denoise.latent`, or the place in the JSON, or nothing. */
export function issuePlace(issue: GraphIssue): string {
  if (issue.nodeId !== undefined) {
    const inside = issue.port ?? issue.param;
    return inside === undefined ? issue.nodeId : `${issue.nodeId}.${inside}`;
  }
  return (issue.path ?? []).join('.');
}

/** One issue on one line, with its fix on the next where there is one. */
export function formatIssue(issue: GraphIssue): string {
  const place = issuePlace(issue);
  const line = `  ${issue.severity}  ${place === '' ? '' : `${place}: `}${issue.message} [${issue.code}]`;
  if (issue.fix === undefined) return line;
  const isChoice = issue.fix.kind === 'set-param' && issue.fix.isChoice === true;
  return `${line}\n         ${isChoice ? 'yours to choose' : 'fix'}: ${issue.fix.label}`;
}

/** An issue that was mended, and how. */
export function formatFixed(issue: GraphIssue): string {
  return `  fixed  ${issuePlace(issue)}: ${issue.fix?.label ?? ''} [${issue.code}]`;
}

export { bytesText as formatBytes, durationText as formatDuration } from '@reelgraph/graph';
