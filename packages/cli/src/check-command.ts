/** `reelgraph check`: everything wrong with workflow files, without running them; with `--fix` mended. */
import { dirname, resolve } from 'node:path';
import { type GraphIssue, stringifyWorkflow } from '@reelgraph/graph';
import {
  type Catalogue,
  createCatalogue,
  createInputFiles,
  type DataFolder,
  dataFolderAt,
  modelRootsOf,
  writeFileAtomically,
} from '@reelgraph/host';
import { CliError } from './errors.ts';
import { exitCodes, isMissing } from './exit-codes.ts';
import { formatFixed, formatIssue } from './format.ts';
import { dataFolderPath } from './places.ts';
import { readWorkflowFile } from './read-workflow.ts';
import type { Output } from './reporters.ts';

export interface CheckCommandOptions {
  readonly json?: boolean;
  readonly data?: string;
  readonly models: readonly string[];
  /** Mend what has a fix, and write the files. */
  readonly fix?: boolean;
}

interface FileReport {
  readonly file: string;
  readonly ok: boolean;
  /** What is wrong, or with `--fix` still is. */
  readonly issues: readonly GraphIssue[];
  /** What was mended and written. */
  readonly fixed?: readonly GraphIssue[];
}

/** Checks files and answers the exit code: the worst over all of them. */
export async function checkCommand(
  files: readonly string[],
  options: CheckCommandOptions,
  output: Output,
): Promise<number> {
  const folder = dataFolderAt(dataFolderPath(options.data));
  const catalogue = await createCatalogue(
    modelRootsOf(
      folder,
      options.models.map((path) => resolve(path)),
    ),
  );
  const reports: FileReport[] = [];
  try {
    for (const file of files) {
      const found = await look(file, catalogue, folder, options.fix === true);
      reports.push({ file, ok: !found.issues.some((issue) => issue.severity === 'error'), ...found });
    }
  } finally {
    await catalogue.close();
  }
  if (options.json) output.write(`${JSON.stringify(reports, null, 2)}\n`);
  else for (const report of reports) output.write(formatReport(report));
  return exitCodeOf(reports.flatMap((report) => report.issues));
}

async function look(
  file: string,
  catalogue: Catalogue,
  folder: DataFolder,
  mend: boolean,
): Promise<Pick<FileReport, 'issues' | 'fixed'>> {
  try {
    const read = await readWorkflowFile(file);
    if (!read.ok) return { issues: read.issues };
    const files = createInputFiles([
      { folder: dirname(resolve(file)) },
      { folder: folder.inputsFolder, prefix: 'inputs' },
    ]);
    if (!mend) return { issues: [...read.warnings, ...(await catalogue.check(read.workflow, files)).issues] };
    if (read.isVideo) {
      const message = `${file} is a video; save its workflow as JSON to have it mended.`;
      return { issues: [{ code: 'video/not-written', severity: 'error', message }] };
    }
    const { workflow, applied, check } = await catalogue.mend(read.workflow, files);
    if (applied.length > 0)
      await writeFileAtomically(resolve(file), Buffer.from(stringifyWorkflow(workflow)));
    return { issues: [...read.warnings, ...check.issues], fixed: applied };
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { issues: [{ code: error.code, severity: 'error', message: error.message }] };
  }
}

function formatReport({ file, ok, issues, fixed = [] }: FileReport): string {
  const errors = issues.filter((issue) => issue.severity === 'error').length;
  const warnings = issues.length - errors;
  const counts = [
    ...(fixed.length > 0 ? [`${fixed.length} fixed`] : []),
    ...(ok && warnings === 0 ? ['ok'] : []),
    ...(errors > 0 ? [`${errors} ${errors === 1 ? 'error' : 'errors'}`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ];
  const head = `${file}: ${counts.join(', ')}`;
  return `${[head, ...fixed.map(formatFixed), ...issues.map(formatIssue)].join('\n')}\n`;
}

function exitCodeOf(issues: readonly GraphIssue[]): number {
  const errors = issues.filter((issue) => issue.severity === 'error');
  if (errors.length === 0) return exitCodes.ok;
  return errors.every((issue) => isMissing(issue.code)) ? exitCodes.missing : exitCodes.invalidWorkflow;
}
