/** `reelgraph estimate`: what a run would take on this machine, before it starts. */
import { dirname, resolve } from 'node:path';
import {
  bytesText,
  durationText,
  type Expected,
  expectedText,
  forecastText,
  type NodeForecast,
  type RunBudget,
  type RunForecast,
} from '@reelgraph/graph';
import {
  type BudgetTexts,
  budgetOf,
  createCatalogue,
  createForecaster,
  createInputFiles,
  dataFolderAt,
  digestFileOf,
  modelRootsOf,
} from '@reelgraph/host';
import { openStore } from '@reelgraph/store';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { dataFolderPath } from './places.ts';
import { invalidWorkflow, readWorkflowFile } from './read-workflow.ts';
import type { Output } from './reporters.ts';
import { parseAssignments, setInputs } from './set-inputs.ts';

export interface EstimateCommandOptions extends BudgetTexts {
  readonly set: readonly string[];
  readonly json?: boolean;
  readonly data?: string;
  readonly models: readonly string[];
}

/** The budget of options and environment. @throws CliError when one cannot be read */
export function readBudget(texts: BudgetTexts): RunBudget {
  try {
    return budgetOf(texts, process.env);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CliError(exitCodes.usage, 'cli/bad-budget', error.message, { cause: error });
  }
}

/** Prints a forecast and answers the exit code: that of a refused run when it is over its budget. */
export async function estimateCommand(
  file: string,
  options: EstimateCommandOptions,
  output: Output,
): Promise<number> {
  const budget = readBudget(options);
  const assignments = parseAssignments(options.set);
  const read = await readWorkflowFile(file);
  if (!read.ok) throw invalidWorkflow(file, read.issues);
  const folder = dataFolderAt(dataFolderPath(options.data));
  const files = createInputFiles([
    { folder: dirname(resolve(file)) },
    { folder: folder.inputsFolder, prefix: 'inputs' },
  ]);
  const modelRoots = modelRootsOf(
    folder,
    options.models.map((path) => resolve(path)),
  );
  const store = await openStore(folder.artifactsFolder);
  const catalogue = await createCatalogue(modelRoots, { files, digestFile: digestFileOf(folder) });
  try {
    const workflow = await setInputs(read.workflow, assignments, catalogue.typesByName, folder);
    const blockers = await catalogue.findBlockers(workflow);
    if (blockers.length > 0) throw invalidWorkflow(file, blockers);
    const forecaster = createForecaster({ catalogue, store, files });
    const { result: found, refusal } = await forecaster.estimate(workflow, budget);
    if (!found.ok) throw invalidWorkflow(file, found.issues);
    if (options.json) output.write(`${JSON.stringify({ ...found.forecast, refusal }, null, 2)}\n`);
    else {
      const lines = [...tableOf(found.forecast), forecastText(found.forecast)];
      if (refusal !== undefined) lines.push(refusal.message, refusal.hint);
      output.write(`${lines.join('\n')}\n`);
    }
    return refusal === undefined ? exitCodes.ok : exitCodes.overBudget;
  } finally {
    await catalogue.close();
    store.close();
  }
}

const headings = ['node', 'time', 'peak memory', 'results', 'learnt from'];

/** A line for each node, columns under each other. */
function tableOf({ nodes }: RunForecast): string[] {
  const rows = [headings, ...Object.entries(nodes).map(([id, node]) => rowOf(id, node))];
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

function rowOf(id: string, node: NodeForecast): string[] {
  if (node.state === 'cached') return [id, 'from cache', '', '', ''];
  if (node.state === 'not-needed') return [id, 'not needed', '', '', ''];
  if (node.timeMs === undefined) return [id, 'no data yet', '', '', ''];
  const loads = node.loadsModel === true ? ', loads its model' : '';
  const text = (amount: Expected | undefined, textOf: (value: number) => string): string =>
    amount === undefined ? '' : expectedText(amount, textOf);
  return [
    id,
    `${text(node.timeMs, durationText)}${loads}`,
    text(node.peakBytes, bytesText),
    node.resultBytes === undefined || node.resultBytes.likely < 1 ? '' : bytesText(node.resultBytes.likely),
    `${node.samples} ${node.samples === 1 ? 'run' : 'runs'}${node.isFarOutside === true ? ', far from this' : ''}`,
  ];
}
