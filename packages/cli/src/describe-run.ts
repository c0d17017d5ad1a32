/** A run of the history in lines, one per node: what became of it and why, its time, its wait and its memory. */
import { type NodeRunState, type RunState, reasonText } from '@reelgraph/graph';
import { formatBytes, formatDuration } from './format.ts';
import { shortIdLength } from './runs-of-server.ts';

/** A run in a line: `1ae75d6b  succeeded (ran 6.3 s, attempt 2)  Text to video`. */
export function headOfRun(run: RunState): string {
  const { runId, status, workflowName, startedAtMs, finishedAtMs, queuedAtMs, attempt = 1 } = run;
  const notes = [
    // Before a later attempt lie the earlier ones, too.
    ...(queuedAtMs === undefined || startedAtMs === undefined || attempt > 1
      ? []
      : [`waited ${formatDuration(startedAtMs - queuedAtMs)}`]),
    ...(startedAtMs === undefined || finishedAtMs === undefined
      ? []
      : [`ran ${formatDuration(finishedAtMs - startedAtMs)}`]),
    ...(attempt > 1 ? [`attempt ${attempt}`] : []),
    ...(run.from === undefined ? [] : [`repeats ${run.from.slice(0, shortIdLength)}`]),
  ];
  return `${runId.slice(0, shortIdLength)}  ${status}${notes.length === 0 ? '' : ` (${notes.join(', ')})`}  ${workflowName}`;
}

/** The run on the first line, what happened to it as a whole, then its nodes in their order, aligned. */
export function describeRun(run: RunState): string {
  const nodes = Object.entries(run.nodes);
  const width = Math.max(0, ...nodes.map(([id]) => id.length));
  return [
    headOfRun(run),
    ...interruptionLines(run),
    ...errorLines(run),
    ...nodes.map(([id, node]) => `  ${id.padEnd(width)}  ${describeNode(node)}`),
  ].join('\n');
}

function interruptionLines({ interruptions = [] }: RunState): string[] {
  return interruptions.map(
    ({ atMs, error }) => `  interrupted at ${new Date(atMs).toISOString()}: ${error.message} [${error.code}]`,
  );
}

/** What kept the run from beginning; what failed in a node stands at that node. */
function errorLines({ error, nodes }: RunState): string[] {
  const isOfNode = Object.values(nodes).some((node) => node.error?.message === error?.message);
  if (error === undefined || isOfNode) return [];
  return [`  ${error.message} [${error.code}]`, ...(error.hint === undefined ? [] : [`    ${error.hint}`])];
}

function describeNode(node: NodeRunState): string {
  const { status, source, durationMs, waitedMs, peakResidentBytes, because, error, message, continuedFrom } =
    node;
  const outcome = status === 'cached' ? `from the cache (${source})` : status;
  return [
    durationMs === undefined ? outcome : `${outcome} in ${formatDuration(durationMs)}`,
    ...(continuedFrom === undefined ? [] : [`continued from step ${continuedFrom} of an interrupted run`]),
    ...(waitedMs === undefined ? [] : [`waited ${formatDuration(waitedMs)}`]),
    ...(peakResidentBytes === undefined ? [] : [`up to ${formatBytes(peakResidentBytes)} resident`]),
    ...(because === undefined ? [] : [reasonText(because)]),
    ...(status === 'skipped' && message !== undefined ? [message] : []),
    ...(error === undefined ? [] : [`${error.message} [${error.code}]`]),
  ].join(', ');
}
