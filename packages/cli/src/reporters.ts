/**
 * Three ways to tell how a run goes: a bar for a person at a terminal, a line per step of the work for a pipe
 * or a log, a JSON object per line for a program.
 */
import {
  createRunFold,
  failuresOf,
  type GraphIssue,
  type NodeFailure,
  type RanBecause,
  type RunError,
  type RunEvent,
  type RunFold,
  type RunState,
  reasonText,
} from '@reelgraph/graph';
import { formatDuration, formatIssue } from './format.ts';

/** A file that was saved. */
export interface SavedFile {
  readonly nodeId: string;
  readonly path: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly byteLength: number;
}

export interface Reporter {
  /** Before the first event: what the check of the workflow warns of. */
  onCheck(warnings: readonly GraphIssue[]): void;
  onEvent(event: RunEvent): void;
  /** After the last event: what was saved. */
  finish(state: RunState, saved: readonly SavedFile[]): void;
  /** A word between events ("Cancelling…"). */
  note(text: string): void;
  /** Something the run goes on in spite of. */
  warn(warning: RunWarning): void;
}

/** A problem that ends no run, for example a result that could not be kept on a full disk. */
export interface RunWarning extends RunError {
  readonly nodeId: string;
}

/** Where text goes; `columns` is undefined when it is no terminal. */
export interface Output {
  write(text: string): void;
  readonly columns: number | undefined;
}

const clearLine = '\r\u001b[2K';

/** Tells the end of each node as one line, and that it went on from a checkpoint; undefined for what a log need not hold. */
function createNodeLines(): (event: RunEvent) => string | undefined {
  const reasons = new Map<string, RanBecause>();
  const continued = new Set<string>();
  const reasonOf = (nodeId: string): string => {
    const because = reasons.get(nodeId);
    return because === undefined ? '' : `, ran ${reasonText(because)}`;
  };
  return (event) => {
    switch (event.type) {
      case 'node.started':
        if (event.because !== undefined) reasons.set(event.nodeId, event.because);
        return undefined;
      case 'node.progress':
        if (event.continuedFrom === undefined || continued.has(event.nodeId)) return undefined;
        continued.add(event.nodeId);
        return `${event.nodeId}: continued from step ${event.continuedFrom} of ${event.totalSteps}`;
      case 'node.waiting':
        return `${event.nodeId}: waiting for another run, which computes the same`;
      case 'node.cached':
        return `${event.nodeId}: taken from cache (${event.source})`;
      case 'node.finished':
        return `${event.nodeId}: done in ${formatDuration(event.durationMs)}${reasonOf(event.nodeId)}`;
      case 'node.failed':
        return failureLines({ nodeId: event.nodeId, ...event.error });
      case 'node.skipped':
        return `${event.nodeId}: skipped (${event.because})`;
      default:
        return undefined;
    }
  };
}

/** A failure with what lay behind it and what to do, each on a line of its own. */
function failureLines({ nodeId, message, code, cause, hint }: NodeFailure): string {
  const more = [...(cause === undefined ? [] : [`cause: ${cause}`]), ...(hint === undefined ? [] : [hint])];
  return [`${nodeId}: failed: ${message} [${code}]`, ...more.map((line) => `  ${line}`)].join('\n');
}

/** At the end all failures once more: in a long log the first of them is far up. One alone stands there anyway. */
function failureList(state: RunState): string[] {
  const failures = failuresOf(state);
  if (failures.length === 0 || (failures.length === 1 && state.status !== 'partial')) return [];
  return [
    `${failures.length} ${failures.length === 1 ? 'node' : 'nodes'} failed:`,
    ...failures.map((failure) => failureLines(failure).replace(/^/gm, '  ')),
  ];
}

function warningLine({ nodeId, message, code }: RunWarning): string {
  return `${nodeId}: ${message} [${code}]`;
}

/** Warnings shown before a run; `reelgraph check` lists them all. */
const shownWarnings = 6;

function checkText(warnings: readonly GraphIssue[]): string {
  const more = warnings.length - shownWarnings;
  return [
    ...warnings.slice(0, shownWarnings).map(formatIssue),
    ...(more > 0 ? [`  and ${more} more; "reelgraph check" lists them`] : []),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** The score tables that a run made, a line for each row. */
function scoreLines(state: RunState): string[] {
  return Object.entries(state.nodes).flatMap(([nodeId, node]) =>
    Object.values(node.outputs ?? {}).flatMap(({ score }) => {
      if (score === undefined) return [];
      const width = Math.max(0, ...score.rows.map(({ name }) => name.length));
      return [
        `${nodeId}: ${score.summary}`,
        ...score.rows.map(({ name, value, isRight }) => {
          const mark = isRight === undefined ? ' ' : isRight ? '✓' : '✗';
          return `  ${mark} ${name.padEnd(width)}  ${value}`;
        }),
      ];
    }),
  );
}

function lastLine(state: RunState): string {
  const took =
    state.startedAtMs !== undefined && state.finishedAtMs !== undefined
      ? ` in ${formatDuration(state.finishedAtMs - state.startedAtMs)}`
      : '';
  const words = { succeeded: 'Done', partial: 'Done in part', failed: 'Failed', cancelled: 'Cancelled' };
  const word = state.status === 'queued' || state.status === 'running' ? 'Ended' : words[state.status];
  return `${word}${took}.`;
}

/** Where warnings go that are no part of what a command answers. */
export type WarningOutput = Pick<Output, 'write'>;

/** Lines for a pipe or a log; of a long step about every tenth is told. */
export function createLineReporter(output: Output, warningOutput: WarningOutput): Reporter {
  const told = new Map<string, number>();
  const nodeLine = createNodeLines();
  return {
    onCheck: (warnings) => warningOutput.write(checkText(warnings)),
    onEvent(event) {
      const line = nodeLine(event);
      if (line !== undefined) output.write(`${line}\n`);
      else if (event.type === 'node.progress') {
        const tenth = Math.floor((event.step / event.totalSteps) * 10);
        if (tenth <= (told.get(event.nodeId) ?? 0)) return;
        told.set(event.nodeId, tenth);
        output.write(`${event.nodeId}: step ${event.step} of ${event.totalSteps}\n`);
      }
    },
    finish(state, saved) {
      for (const line of [...scoreLines(state), ...failureList(state)]) output.write(`${line}\n`);
      for (const file of saved) output.write(`Saved ${file.path}\n`);
      output.write(`${lastLine(state)}\n`);
    },
    note: (text) => output.write(`${text}\n`),
    warn: (warning) => output.write(`${warningLine(warning)}\n`),
  };
}

/** A bar on the last line of a terminal, finished nodes above it. */
export function createBarReporter(output: Output, warningOutput: WarningOutput): Reporter {
  let fold: RunFold | undefined;
  const nodeLine = createNodeLines();
  const over = new Set<string>();

  function drawBar(): void {
    const state = fold?.state;
    const running = Object.entries(state?.nodes ?? {}).find(([, node]) => node.status === 'running');
    if (state === undefined || running === undefined) return;
    const [nodeId, node] = running;
    const width = Math.max(20, Math.min(100, (output.columns ?? 80) - 1));
    const share = node.totalSteps === undefined ? 0 : (node.step ?? 0) / node.totalSteps;
    const total = String(node.totalSteps ?? '');
    // Padded, so that the bar does not jump when the number grows.
    const steps = total === '' ? '' : ` ${String(node.step ?? 0).padStart(total.length)}/${total}`;
    const eta = node.etaSeconds === undefined ? '' : ` ${formatDuration(node.etaSeconds * 1000)} left`;
    const head = `${over.size}/${Object.keys(state.nodes).length} ${nodeId}${steps} `;
    const cells = Math.max(5, width - head.length - eta.length - 2);
    const full = Math.round(share * cells);
    const bar = `${'█'.repeat(full)}${'░'.repeat(cells - full)}`;
    output.write(`${clearLine}${head}${bar}${eta}`.slice(0, width + clearLine.length));
  }

  function writeAbove(text: string): void {
    output.write(`${clearLine}${text}\n`);
    drawBar();
  }

  return {
    onCheck: (warnings) => warningOutput.write(checkText(warnings)),
    onEvent(event) {
      fold ??= createRunFold(event);
      fold.apply(event);
      const line = nodeLine(event);
      if (line !== undefined) {
        if ('nodeId' in event && event.type !== 'node.progress' && event.type !== 'node.waiting')
          over.add(event.nodeId);
        output.write(`${clearLine}${line}\n`);
      }
      drawBar();
    },
    finish(finalState, saved) {
      output.write(clearLine);
      for (const line of [...scoreLines(finalState), ...failureList(finalState)]) output.write(`${line}\n`);
      for (const file of saved) output.write(`Saved ${file.path}\n`);
      output.write(`${lastLine(finalState)}\n`);
    },
    note: writeAbove,
    warn: (warning) => writeAbove(warningLine(warning)),
  };
}

/** Every event as one line of JSON, an `issue` before them, a `warning` or `note` between them, and a `result` at the end. */
export function createJsonReporter(output: Output): Reporter {
  const line = (value: unknown) => output.write(`${JSON.stringify(value)}\n`);
  return {
    onCheck: (warnings) => {
      for (const warning of warnings) line({ type: 'issue', ...warning });
    },
    onEvent: line,
    finish: (state, saved) => {
      const scores = Object.entries(state.nodes).flatMap(([nodeId, node]) =>
        Object.values(node.outputs ?? {}).flatMap(({ score }) =>
          score === undefined ? [] : [{ nodeId, ...score }],
        ),
      );
      const failures = failuresOf(state);
      line({
        type: 'result',
        runId: state.runId,
        status: state.status,
        error: state.error,
        files: saved,
        ...(failures.length > 0 ? { failures } : {}),
        ...(scores.length > 0 ? { scores } : {}),
      });
    },
    note: (message) => line({ type: 'note', message }),
    warn: (warning) => line({ type: 'warning', ...warning }),
  };
}
