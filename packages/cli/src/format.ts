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
  return issue.fix === undefined ? line : `${line}\n         fix: ${issue.fix.label}`;
}

/** An issue that was mended, and how. */
export function formatFixed(issue: GraphIssue): string {
  return `  fixed  ${issuePlace(issue)}: ${issue.fix?.label ?? ''} [${issue.code}]`;
}

export function formatDuration(ms: number): string {
  if (ms < 100) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${(bytes / 1024).toFixed(1)} KiB`;
  if (bytes < 1024 ** 3) return `${(bytes / 1024 ** 2).toFixed(1)} MiB`;
  return `${(bytes / 1024 ** 3).toFixed(1)} GiB`;
}
