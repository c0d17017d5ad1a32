/** A workflow from a file: JSON, or a video made by Reelgraph, which carries its own. */
import { open } from 'node:fs/promises';
import { documentLimits, type GraphIssue, parseWorkflow, type Workflow } from '@reelgraph/graph';
import { CliError } from './errors.ts';
import { exitCodes, isMissing } from './exit-codes.ts';

export type ReadWorkflow = (
  | { readonly ok: true; readonly workflow: Workflow; readonly warnings: readonly GraphIssue[] }
  | { readonly ok: false; readonly issues: readonly GraphIssue[] }
) & {
  /** It was carried by a video. */
  readonly isVideo: boolean;
};

/** What keeps a file from being run. */
export function invalidWorkflow(file: string, issues: readonly GraphIssue[]): CliError {
  const allMissing = issues.every((issue) => isMissing(issue.code));
  return new CliError(
    allMissing ? exitCodes.missing : exitCodes.invalidWorkflow,
    'workflow/invalid',
    `${file} cannot be run:`,
    { issues },
  );
}

const maxVideoBytes = 2 * 1024 * 1024 * 1024;

/** Reads and parses; problems of the document come back as issues. @throws CliError when there is no such file */
export async function readWorkflowFile(path: string): Promise<ReadWorkflow> {
  const bytes = await readBytes(path);
  if (isVideo(bytes)) {
    const { readWorkflowFromVideo } = await import('@reelgraph/media');
    const text = await readWorkflowFromVideo(bytes);
    if (text === undefined) {
      throw new CliError(
        exitCodes.invalidWorkflow,
        'video/no-workflow',
        `${path} is a video that carries no workflow.`,
      );
    }
    return { ...parseWorkflow(text), isVideo: true };
  }
  try {
    return { ...parseWorkflow(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), isVideo: false };
  } catch (cause) {
    throw new CliError(
      exitCodes.invalidWorkflow,
      'document/not-json',
      `${path} is no text file; a workflow is JSON.`,
      { cause },
    );
  }
}

function isVideo(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(4, 8)).toString('latin1') === 'ftyp';
}

async function readBytes(path: string): Promise<Uint8Array> {
  const file = await open(path).catch((cause: unknown) => {
    throw new CliError(
      exitCodes.missing,
      'file/not-found',
      `There is no file ${path}, or it cannot be read.`,
      { cause },
    );
  });
  try {
    const info = await file.stat();
    if (!info.isFile()) throw new CliError(exitCodes.missing, 'file/not-found', `${path} is no file.`);
    const head = Buffer.alloc(12);
    await file.read(head, 0, 12, 0);
    // One byte above the limit is enough for the parser to say that the file is too large.
    const limit = isVideo(head) ? maxVideoBytes : documentLimits.textBytes + 1;
    const bytes = Buffer.alloc(Math.min(info.size, limit));
    await file.read(bytes, 0, bytes.length, 0);
    return bytes;
  } finally {
    await file.close();
  }
}
