/** `reelgraph run`: executes a workflow in this process, without a server. */
import { dirname, resolve } from 'node:path';
import {
  createRunFold,
  createTraceBuilder,
  type RunEvent,
  type RunFold,
  type RunState,
} from '@reelgraph/graph';
import { type BudgetTexts, createRunHost, dataFolderAt, modelRootsOf, type RunHost } from '@reelgraph/host';
import { CliError } from './errors.ts';
import { readBudget } from './estimate-command.ts';
import { exitCodes, isMissing } from './exit-codes.ts';
import { dataFolderPath } from './places.ts';
import { invalidWorkflow, readWorkflowFile } from './read-workflow.ts';
import {
  createBarReporter,
  createJsonReporter,
  createLineReporter,
  type Output,
  type Reporter,
  type WarningOutput,
} from './reporters.ts';
import { prepareTarget, resultFiles, saveResults } from './save-results.ts';
import { parseAssignments, setInputs } from './set-inputs.ts';
import { writeTrace } from './write-trace.ts';

export interface RunCommandOptions extends BudgetTexts {
  readonly set: readonly string[];
  readonly out?: string;
  /** File for the timeline of the run. */
  readonly trace?: string;
  readonly json?: boolean;
  readonly data?: string;
  readonly models: readonly string[];
}

/** Runs a workflow file and answers the exit code. @throws CliError for what keeps it from starting */
export async function runCommand(
  file: string,
  options: RunCommandOptions,
  output: Output,
  warningOutput: WarningOutput,
): Promise<number> {
  const budget = readBudget(options);
  const assignments = parseAssignments(options.set);
  const read = await readWorkflowFile(file);
  if (!read.ok) throw invalidWorkflow(file, read.issues);
  const folder = dataFolderAt(dataFolderPath(options.data));
  const host = await createRunHost({
    dataFolder: folder.root,
    inputRoots: [{ folder: dirname(resolve(file)) }, { folder: folder.inputsFolder, prefix: 'inputs' }],
    modelRoots: modelRootsOf(
      folder,
      options.models.map((path) => resolve(path)),
    ),
  });
  try {
    const workflow = await setInputs(read.workflow, assignments, host.catalogue.typesByName, folder);
    const blockers = await host.catalogue.findBlockers(workflow);
    if (blockers.length > 0) throw invalidWorkflow(file, blockers);
    const refusal = await host.forecaster.findRefusal(workflow, budget);
    if (refusal !== undefined) {
      const { code, message, hint } = refusal;
      throw new CliError(exitCodes.overBudget, code, message, { hint });
    }

    await prepareTarget(options.out);
    const reporter = chooseReporter(options, output, warningOutput);
    const { issues } = await host.catalogue.check(workflow);
    reporter.onCheck([...read.warnings, ...issues].filter(({ severity }) => severity === 'warning'));
    const trace = createTraceBuilder();
    if (host.device.message !== undefined) reporter.note(host.device.message);
    const state = await execute(host, workflow, reporter, (event) => trace.add(event));
    const saved = await saveResults(resultFiles(workflow, state), host.store, options.out);
    if (options.trace !== undefined) reporter.note(await writeTrace(trace.finish(), options.trace));
    reporter.finish(state, saved);
    return exitCodeOf(state);
  } finally {
    await host.close();
  }
}

function chooseReporter(options: RunCommandOptions, output: Output, warningOutput: WarningOutput): Reporter {
  if (options.json) return createJsonReporter(output);
  return output.columns === undefined
    ? createLineReporter(output, warningOutput)
    : createBarReporter(output, warningOutput);
}

async function execute(
  host: RunHost,
  workflow: Parameters<RunHost['run']>[0]['workflow'],
  reporter: Reporter,
  onEvent: (event: RunEvent) => void,
): Promise<RunState> {
  const abort = new AbortController();
  const onSignal = () => {
    if (abort.signal.aborted) endAtOnce();
    reporter.note('Cancelling… (Ctrl-C again to stop at once)');
    abort.abort();
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  let fold: RunFold | undefined;
  try {
    await host.run({
      workflow,
      signal: abort.signal,
      onEvent: (event) => {
        fold ??= createRunFold(event);
        fold.apply(event);
        reporter.onEvent(event);
        onEvent(event);
      },
      onWarning: (warning) => reporter.warn(warning),
    });
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
  if (fold === undefined) throw new Error('the engine ended a run without an event');
  return fold.state;
}

/** Native code does not listen, and an orderly exit would wait for it: the signal itself ends the process (130). */
function endAtOnce(): void {
  process.removeAllListeners('SIGINT');
  process.kill(process.pid, 'SIGINT');
}

function exitCodeOf(state: RunState): number {
  switch (state.status) {
    case 'succeeded':
      return exitCodes.ok;
    case 'cancelled':
      return exitCodes.cancelled;
    case 'partial':
      return exitCodes.partial;
    default: {
      const codes = Object.values(state.nodes).flatMap((node) => node.error?.code ?? []);
      return codes.length > 0 && codes.every(isMissing) ? exitCodes.missing : exitCodes.runFailed;
    }
  }
}
