/** `reelgraph check`: everything wrong with workflow files, without running them. */
import { resolve } from 'node:path';
import type { GraphIssue } from '@reelgraph/graph';
import { createCatalogue, dataFolderAt, modelRootsOf } from '@reelgraph/host';
import { CliError } from './errors.ts';
import { exitCodes, isMissing } from './exit-codes.ts';
import { formatIssue } from './format.ts';
import { dataFolderPath } from './places.ts';
import { readWorkflowFile } from './read-workflow.ts';
import type { Output } from './reporters.ts';

export interface CheckCommandOptions {
  readonly json?: boolean;
  readonly data?: string;
  readonly models: readonly string[];
}

interface FileReport {
  readonly file: string;
  readonly ok: boolean;
  readonly issues: readonly GraphIssue[];
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
      const issues = await issuesOf(file, catalogue);
      reports.push({ file, ok: !issues.some((issue) => issue.severity === 'error'), issues });
    }
  } finally {
    await catalogue.close();
  }
  if (options.json) output.write(`${JSON.stringify(reports, null, 2)}\n`);
  else for (const report of reports) output.write(formatReport(report));
  return exitCodeOf(reports.flatMap((report) => report.issues));
}

async function issuesOf(
  file: string,
  catalogue: Awaited<ReturnType<typeof createCatalogue>>,
): Promise<readonly GraphIssue[]> {
  try {
    const read = await readWorkflowFile(file);
    if (!read.ok) return read.issues;
    return [...read.warnings, ...(await catalogue.check(read.workflow)).issues];
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return [{ code: error.code, severity: 'error', message: error.message }];
  }
}

function formatReport({ file, ok, issues }: FileReport): string {
  const errors = issues.filter((issue) => issue.severity === 'error').length;
  const warnings = issues.length - errors;
  const counts = [
    ...(errors > 0 ? [`${errors} ${errors === 1 ? 'error' : 'errors'}`] : []),
    ...(warnings > 0 ? [`${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`] : []),
  ];
  const head = `${file}: ${ok && warnings === 0 ? 'ok' : counts.join(', ')}`;
  return `${[head, ...issues.map(formatIssue)].join('\n')}\n`;
}

function exitCodeOf(issues: readonly GraphIssue[]): number {
  const errors = issues.filter((issue) => issue.severity === 'error');
  if (errors.length === 0) return exitCodes.ok;
  return errors.every((issue) => isMissing(issue.code)) ? exitCodes.missing : exitCodes.invalidWorkflow;
}
