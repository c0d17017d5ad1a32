/** The file of a run's timeline. */
import { writeFile } from 'node:fs/promises';
import { type RunTrace, traceText } from '@reelgraph/graph';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

/** Writes a trace into a file and answers what to say of it. @throws CliError when it cannot be written */
export async function writeTrace(trace: RunTrace, path: string): Promise<string> {
  try {
    await writeFile(path, traceText(trace));
  } catch (cause) {
    throw new CliError(exitCodes.runFailed, 'cli/not-written', `"${path}" cannot be written.`, {
      hint: 'Is its folder there, and may it be written?',
      cause,
    });
  }
  return `Wrote ${path}. Open it in chrome://tracing, or at https://ui.perfetto.dev.`;
}
