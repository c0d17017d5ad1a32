/** A server that runs, and its runs by as much of their ids as a person types. */
import { createClient, type ReelgraphClient } from '@reelgraph/client';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';

export const defaultServer = 'http://127.0.0.1:7860';
/** Enough characters of an id to tell runs apart, and few enough to read. */
export const shortIdLength = 8;

/** A client of `server`, else of `REELGRAPH_URL`, else of the default port of this machine; with `REELGRAPH_TOKEN`. */
export function clientOf(server: string | undefined): ReelgraphClient {
  const token = process.env.REELGRAPH_TOKEN;
  return createClient({
    baseUrl: server ?? process.env.REELGRAPH_URL ?? defaultServer,
    ...(token === undefined || token === '' ? {} : { token }),
  });
}

/** The run whose id begins so, of those that wait and the newest others. @throws CliError when none or several do */
export async function findRun(client: ReelgraphClient, name: string): Promise<string> {
  const [queue, runs] = await Promise.all([client.getQueue(), client.listRuns()]);
  const ids = new Set([...queue.next, ...runs].map(({ runId }) => runId));
  if (ids.has(name)) return name;
  const found = [...ids].filter((id) => id.startsWith(name));
  const [runId] = found;
  if (runId !== undefined && found.length === 1) return runId;
  // A whole id may be of a run further back; the server knows.
  if (found.length === 0 && name.length > shortIdLength) return name;
  throw new CliError(
    exitCodes.usage,
    'cli/unknown-run',
    found.length === 0
      ? `No run has an id that begins with "${name}".`
      : `${found.length} runs have ids that begin with "${name}".`,
    { hint: '"reelgraph queue list" and "reelgraph queue history" show the ids.' },
  );
}
