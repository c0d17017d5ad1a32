/** `reelgraph queue …`: the queue of a server that runs, looked at and ordered from a terminal. */
import type { ReelgraphClient } from '@reelgraph/client';
import type { MoveTarget, RunState } from '@reelgraph/graph';
import type { QueueSummary } from '@reelgraph/protocol';
import { describeRun, headOfRun } from './describe-run.ts';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { formatDuration } from './format.ts';
import { readWorkflowFile } from './read-workflow.ts';
import type { Output } from './reporters.ts';
import { clientOf, findRun, shortIdLength } from './runs-of-server.ts';
import { parseAssignments } from './set-inputs.ts';

export interface QueueCommandOptions {
  /** Address of the server: `--server`, else `REELGRAPH_URL`, else the default port of this machine. */
  readonly server?: string;
  readonly json?: boolean;
}

export type QueueCommand =
  | { readonly kind: 'list' | 'history' | 'pause' | 'resume' | 'cancel-all' }
  | { readonly kind: 'cancel'; readonly runs: readonly string[] }
  | { readonly kind: 'retry' | 'show'; readonly run: string }
  | { readonly kind: 'again'; readonly run: string; readonly set: readonly string[] }
  | { readonly kind: 'move'; readonly run: string; readonly target: MoveTarget }
  | {
      readonly kind: 'add';
      readonly file: string;
      readonly set: readonly string[];
      readonly priority: number;
    };

/** Does one command and answers the exit code. @throws CliError; ApiError of what the server refuses */
export async function queueCommand(
  command: QueueCommand,
  options: QueueCommandOptions,
  output: Output,
): Promise<number> {
  const client = clientOf(options.server);
  const say = (answer: unknown, text: string) => {
    output.write(options.json === true ? `${JSON.stringify(answer)}\n` : `${text}\n`);
  };

  switch (command.kind) {
    case 'list': {
      const queue = await client.getQueue();
      say(queue, await describeQueue(client, queue));
      break;
    }
    case 'history': {
      const runs = (await client.listRuns()).filter(
        ({ status }) => status !== 'queued' && status !== 'running',
      );
      say(runs, runs.length === 0 ? 'No run has ended yet.' : runs.map(headOfRun).join('\n'));
      break;
    }
    case 'pause':
      say(await client.pauseQueue(), 'Paused: no further run is begun. The one at work goes on.');
      break;
    case 'resume':
      say(await client.resumeQueue(), 'The queue goes on.');
      break;
    case 'cancel-all': {
      const answer = await client.cancelAllRuns();
      say(answer, `Cancelled ${answer.cancelled} ${answer.cancelled === 1 ? 'run' : 'runs'}.`);
      break;
    }
    case 'cancel':
      for (const name of command.runs) {
        const runId = await findRun(client, name);
        const { status } = await client.cancelRun(runId);
        const isEnding = status === 'running';
        say(
          { runId, status },
          isEnding ? `${short(runId)} is asked to end.` : `${short(runId)} is ${status}.`,
        );
      }
      break;
    case 'show': {
      const { run } = await client.getRun(await findRun(client, command.run));
      say(run, describeRun(run));
      break;
    }
    case 'retry': {
      const answer = await client.retryRun(await findRun(client, command.run));
      say(answer, `Queued as ${short(answer.runId)}.`);
      break;
    }
    case 'again': {
      const inputs = Object.fromEntries(parseAssignments(command.set));
      const answer = await client.runAgain(await findRun(client, command.run), inputs);
      say(answer, `Queued as ${short(answer.runId)}.`);
      break;
    }
    case 'move': {
      const runId = await findRun(client, command.run);
      const queue = await client.moveRun(runId, await findTarget(client, command.target));
      say(queue, await describeQueue(client, queue));
      break;
    }
    case 'add': {
      const read = await readWorkflowFile(command.file);
      if (!read.ok) {
        throw new CliError(
          exitCodes.invalidWorkflow,
          'workflow/invalid',
          `${command.file} is not a valid workflow.`,
          {
            issues: read.issues,
          },
        );
      }
      const inputs = Object.fromEntries(parseAssignments(command.set));
      const { runIds } = await client.startRuns(read.workflow, [inputs], { priority: command.priority });
      const [runId = ''] = runIds;
      say({ runId }, `Queued as ${short(runId)}.`);
    }
  }
  return exitCodes.ok;
}

/** What `--front` and its like ask for. @throws CliError unless it is exactly one of them */
export function moveTargetOf(options: {
  front?: boolean;
  back?: boolean;
  before?: string;
  after?: string;
  priority?: string;
}): MoveTarget {
  const { front, back, before, after, priority } = options;
  const targets: MoveTarget[] = [
    ...(front === true ? [{ to: 'front' } as const] : []),
    ...(back === true ? [{ to: 'back' } as const] : []),
    ...(before === undefined ? [] : [{ before }]),
    ...(after === undefined ? [] : [{ after }]),
    ...(priority === undefined ? [] : [{ priority: parsePriority(priority) }]),
  ];
  const [target] = targets;
  if (target !== undefined && targets.length === 1) return target;
  throw new CliError(
    exitCodes.usage,
    'cli/bad-move',
    'Where to? Say one of --front, --back, --before <run>, --after <run>, --priority <n>.',
  );
}

/** @throws CliError for what is no whole number from -100 to 100 */
export function parsePriority(text: string): number {
  const priority = Number(text);
  if (/^-?\d{1,3}$/.test(text) && Math.abs(priority) <= 100) return priority;
  throw new CliError(
    exitCodes.usage,
    'cli/bad-priority',
    `A priority is a whole number from -100 to 100, not "${text}".`,
  );
}

async function findTarget(client: ReelgraphClient, target: MoveTarget): Promise<MoveTarget> {
  if ('before' in target) return { before: await findRun(client, target.before) };
  if ('after' in target) return { after: await findRun(client, target.after) };
  return target;
}

async function describeQueue(client: ReelgraphClient, queue: QueueSummary): Promise<string> {
  const { isPaused, runningId, waitingCount, next } = queue;
  const lines: string[] = [];
  if (runningId !== null) {
    const { run } = await client.getRun(runningId);
    lines.push(`${short(runningId)}  at work${progressOf(run)}  ${run.workflowName}`);
  }
  for (const { runId, workflowName, priority, attempts } of next) {
    const notes = [
      ...(priority === 0 ? [] : [`priority ${priority}`]),
      ...(attempts === 0 ? [] : [`tried ${attempts} ${attempts === 1 ? 'time' : 'times'}`]),
    ];
    lines.push(
      `${short(runId)}  waits${notes.length === 0 ? '' : ` (${notes.join(', ')})`}  ${workflowName}`,
    );
  }
  if (waitingCount > next.length) lines.push(`and ${waitingCount - next.length} more`);
  if (lines.length === 0) lines.push('Nothing waits.');
  if (isPaused) lines.push('The queue is paused; "reelgraph queue resume" goes on.');
  return lines.join('\n');
}

/** How far the run at work is, in brackets. */
export function progressOf({ nodes, startedAtMs }: Pick<RunState, 'nodes' | 'startedAtMs'>): string {
  const states = Object.values(nodes);
  // What is known of the nodes is then of an earlier attempt.
  if (startedAtMs === undefined) return states.length === 0 ? ' (starting)' : ' (starting again)';
  const done = states.filter(({ status }) => status !== 'waiting' && status !== 'running').length;
  return ` (${done}/${states.length} nodes, ${formatDuration(Date.now() - startedAtMs)})`;
}

function short(runId: string): string {
  return runId.slice(0, shortIdLength);
}
