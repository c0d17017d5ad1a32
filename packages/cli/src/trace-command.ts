/** `reelgraph trace`: a run as a timeline, for chrome://tracing or ui.perfetto.dev. */
import { traceText } from '@reelgraph/graph';
import { exitCodes } from './exit-codes.ts';
import type { Output } from './reporters.ts';
import { clientOf, findRun } from './runs-of-server.ts';
import { writeTrace } from './write-trace.ts';

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
  const trace = await client.getRunTrace(runId);
  if (out === undefined) {
    for (const piece of traceText(trace)) output.write(piece);
    return exitCodes.ok;
  }
  output.write(`${await writeTrace(trace, out)}\n`);
  return exitCodes.ok;
}
