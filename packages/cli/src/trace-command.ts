/** `reelgraph trace`: a run as a timeline, for chrome://tracing or ui.perfetto.dev. */
import { writeFile } from 'node:fs/promises';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { Output } from './reporters.ts';
import { clientOf, findRun } from './runs-of-server.ts';

export interface TraceCommandOptions {
  /** File to write; standard output when absent. */
  readonly out?: string;
  /** As for the queue's commands. */
  readonly server?: string;
}

/** Writes the trace of a run and answers the exit code. @throws CliError; ApiError of what the server refuses */
export async function traceCommand(
  name: string,
  { out, server }: TraceCommandOptions,
  output: Output,
): Promise<number> {
  const client = clientOf(server);
  const runId = await findRun(client, name);
  const text = `${JSON.stringify(await client.getRunTrace(runId))}\n`;
  if (out === undefined) {
    output.write(text);
    return exitCodes.ok;
  }
  try {
    await writeFile(out, text);
  } catch (cause) {
    throw new CliError(exitCodes.runFailed, 'cli/not-written', `"${out}" cannot be written.`, {
      hint: 'Is its folder there, and may it be written?',
      cause,
    });
  }
  output.write(`Wrote ${out}. Open it in chrome://tracing, or at https://ui.perfetto.dev.\n`);
  return exitCodes.ok;
}
