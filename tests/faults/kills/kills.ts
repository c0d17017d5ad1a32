/**
 * Kills the server, its runner or both with `kill -9` again and again, at random moments of a mixed load, and starts
 * what was killed again. A run that is killed three times without having come further counts as the reason and is
 * given up, so none is killed more often than twice. Every run that was accepted must end as it would have, give the
 * same bytes, and at most one step of sampling may be done twice for each kill.
 */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createClient, type ReelgraphClient } from '@reelgraph/client';
import type { RunState } from '@reelgraph/graph';
import { endMarked, markName, processesMarked, temporaryFiles } from '../../support/leftovers.ts';
import { createRandom, type Random } from '../../support/random.ts';
import { type RunningServer, startServer, temporaryFolder } from '../../support/server.ts';
import { stepLogName } from '../misbehaving/nodes.ts';
import { createLoad, type Job } from './load.ts';
import { mostStepsRedone } from './steps.ts';

export interface Killed {
  readonly kills: Readonly<Record<Victim, number>>;
  /** Runs that the server had accepted, by how they ended. */
  readonly accepted: number;
  readonly ended: Readonly<Record<string, number>>;
  /** Accepted runs that are unknown, or ended as they should not have; each in a few words. */
  readonly lost: readonly string[];
  /** Runs whose files are others than those of an undisturbed run. */
  readonly wrong: readonly string[];
  /** Files that were compared. */
  readonly compared: number;
  /** Runs that were interrupted at least once. */
  readonly interrupted: number;
  /** Steps of sampling that were done; those done again; the most that one kill cost. */
  readonly steps: number;
  readonly redone: number;
  readonly mostRedone: number;
  /** Processes and files in the making when all was over. */
  readonly leftovers: readonly string[];
}

type Victim = 'runner' | 'server' | 'both' | 'starting server';
const victims: readonly Victim[] = ['runner', 'runner', 'server', 'server', 'both', 'starting server'];

/** Longest time from a start, or a kill of the runner, to the next kill, milliseconds. */
const longestLifeMs = 5000;
/** Of one run. */
const mostKills = 2;
/** Runs that wait or are at work, at the least, when a kill comes. */
const fewestOpen = 4;

interface Accepted {
  readonly job: Job;
  readonly runId: string;
  /** A cancel was answered. */
  isCancelled: boolean;
}

export async function killAgainAndAgain({ seed, count }: { seed: number; count: number }): Promise<Killed> {
  const random = createRandom(seed);
  const crowd = new Crowd(random);
  const scratch = await temporaryFolder();
  const dataFolder = join(scratch.path, 'data');
  const stepLog = join(scratch.path, 'steps.txt');
  const mark = randomUUID();
  const start = (onSpawn?: (kill: () => void) => void): Promise<RunningServer> =>
    startServer({
      dataFolder,
      entry: join(import.meta.dirname, '../misbehaving/server.ts'),
      env: { [markName]: mark, [stepLogName]: stepLog },
      onSpawn: (child) => onSpawn?.(() => child.kill('SIGKILL')),
    });

  const kills: Record<Victim, number> = { runner: 0, server: 0, both: 0, 'starting server': 0 };
  /** By run. */
  const killsOf = new Map<string, number>();
  let server = await start();
  try {
    for (let round = 0; round < count; round += 1) {
      const client = createClient({ baseUrl: server.baseUrl });
      await crowd.fill(client);
      const killAfterMs = random.below(longestLifeMs);
      const victim = random.pick(victims);
      // What asks the server meanwhile meets the kill as a client would: without an answer.
      const choice = random.below(4);
      const ask = [() => crowd.submit(client), () => crowd.cancelOne(client)][choice];
      const askAfterMs = random.below(longestLifeMs);
      const busy =
        ask === undefined
          ? undefined
          : pause(askAfterMs)
              .then(ask)
              .catch(() => undefined);
      await pause(killAfterMs);
      let { runningId } = await client.getQueue();
      while ((killsOf.get(runningId ?? '') ?? 0) >= mostKills) {
        await pause(random.below(longestLifeMs));
        runningId = (await client.getQueue()).runningId;
      }
      if (runningId !== null) killsOf.set(runningId, (killsOf.get(runningId) ?? 0) + 1);
      kills[victim] += 1;
      const { pid } = (await client.getHealth()).runner;
      if (victim !== 'server' && victim !== 'starting server' && pid !== null) kill(pid);
      if (victim === 'runner') {
        await busy;
        continue;
      }
      await server.stop('SIGKILL');
      await busy;
      if (victim === 'starting server') {
        const early = start((end) => setTimeout(end, random.below(1500)));
        // It may have been ready by then.
        await early.then(
          (started) => started.stop('SIGKILL'),
          () => undefined,
        );
      }
      server = await start();
    }
    const client = createClient({ baseUrl: server.baseUrl });
    await crowd.fill(client);
    const { accepted } = crowd;
    const runs = await waitForAll(client, accepted);
    const leftovers = await leftoversOf();
    const { wrong, compared } = await compare(runs, accepted);
    const { steps, redone, most } = mostStepsRedone(existsSync(stepLog) ? readFileSync(stepLog, 'utf8') : '');
    const ended: Record<string, number> = {};
    for (const { status } of runs.values()) ended[status] = (ended[status] ?? 0) + 1;
    return {
      kills,
      accepted: accepted.size,
      ended,
      lost: [...accepted.values()].flatMap((one) => lossOf(one, runs.get(one.runId))),
      wrong,
      compared,
      interrupted: [...runs.values()].filter(({ interruptions = [] }) => interruptions.length > 0).length,
      steps,
      redone,
      mostRedone: most,
      leftovers,
    };
  } finally {
    await server.stop('SIGKILL');
    await endMarked(mark);
    await scratch.dispose();
  }

  async function leftoversOf(): Promise<string[]> {
    const { pid } = (await createClient({ baseUrl: server.baseUrl }).getHealth()).runner;
    const known = [server.process.pid, pid];
    const others = processesMarked(mark).filter((one) => !known.includes(one.pid));
    return [...others.map(({ command }) => command), ...temporaryFiles(dataFolder)];
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** A client that keeps the queue filled, and knows what was answered to it. */
class Crowd {
  readonly accepted = new Map<string, Accepted>();
  /** Asked for without an answer; asked for again under the same id, which starts nothing twice. */
  readonly #unanswered = new Map<string, { readonly job: Job; readonly priority: number }>();
  readonly #random: Random;
  readonly #nextJob: () => Job;

  constructor(random: Random) {
    this.#random = random;
    this.#nextJob = createLoad(random);
  }

  /** Sees to it that there is enough to do. */
  async fill(client: ReelgraphClient): Promise<void> {
    for (const runId of [...this.#unanswered.keys()]) await this.#ask(client, runId);
    const { waitingCount } = await client.getQueue();
    for (let open = waitingCount; open < fewestOpen; open += 1) await this.submit(client);
  }

  async submit(client: ReelgraphClient): Promise<void> {
    const runId = randomUUID();
    this.#unanswered.set(runId, { job: this.#nextJob(), priority: this.#random.below(3) });
    await this.#ask(client, runId);
  }

  async #ask(client: ReelgraphClient, runId: string): Promise<void> {
    const asked = this.#unanswered.get(runId);
    if (asked === undefined) return;
    await client.startRun(asked.job.workflow, { runId, priority: asked.priority });
    this.#unanswered.delete(runId);
    this.accepted.set(runId, { job: asked.job, runId, isCancelled: false });
  }

  async cancelOne(client: ReelgraphClient): Promise<void> {
    const { runningId, next } = await client.getQueue();
    const open = [...(runningId === null ? [] : [runningId]), ...next.map(({ runId }) => runId)];
    const one = open.length === 0 ? undefined : this.accepted.get(this.#random.pick(open));
    if (one === undefined) return;
    // Also when no answer comes: it may have been cancelled all the same.
    one.isCancelled = true;
    await client.cancelRun(one.runId);
  }
}

/** The runs when none of them waits or is at work. */
async function waitForAll(
  client: ReelgraphClient,
  accepted: ReadonlyMap<string, Accepted>,
): Promise<Map<string, RunState>> {
  const runs = new Map<string, RunState>();
  for (const { runId } of accepted.values()) {
    for (;;) {
      const run = await client.getRun(runId).then(
        (answer) => answer.run,
        () => undefined,
      );
      if (run !== undefined && (run.status === 'queued' || run.status === 'running')) {
        await pause(100);
        continue;
      }
      if (run !== undefined) runs.set(runId, run);
      break;
    }
  }
  return runs;
}

/** How an accepted run came to nothing, if it did. */
function lossOf({ job, runId, isCancelled }: Accepted, run: RunState | undefined): string[] {
  if (run === undefined) return [`${runId} is unknown`];
  if (isCancelled && run.status === 'cancelled') return [];
  if (run.status === (job.mustFail ? 'failed' : 'succeeded')) {
    if (!job.mustFail || run.error?.code.startsWith('runner/') !== true) return [];
  }
  return [`${runId} (${job.workflow.name}) is ${run.status}: ${run.error?.message ?? 'no error'}`];
}

/** Compares the files of runs that succeeded with those of the same jobs on a server that nobody kills. */
async function compare(
  runs: ReadonlyMap<string, RunState>,
  accepted: ReadonlyMap<string, Accepted>,
): Promise<{ wrong: string[]; compared: number }> {
  const scratch = await temporaryFolder();
  const server = await startServer({
    dataFolder: join(scratch.path, 'data'),
    entry: join(import.meta.dirname, '../misbehaving/server.ts'),
  });
  try {
    const client = createClient({ baseUrl: server.baseUrl });
    const undisturbed = new Map<string, Accepted>();
    const idOf = new Map<string, string>();
    for (const [runId, { job }] of accepted) {
      if (runs.get(runId)?.status !== 'succeeded' || idOf.has(job.name)) continue;
      const { runId: own } = await client.startRun(job.workflow);
      idOf.set(job.name, own);
      undisturbed.set(own, { job, runId: own, isCancelled: false });
    }
    const truths = await waitForAll(client, undisturbed);
    const wrong: string[] = [];
    let compared = 0;
    for (const [runId, { job }] of accepted) {
      const run = runs.get(runId);
      const truth = truths.get(idOf.get(job.name) ?? '');
      if (run?.status !== 'succeeded' || truth === undefined) continue;
      const [files, expected] = [filesOf(run), filesOf(truth)];
      compared += files.length;
      if (expected.length === 0 || files.join() !== expected.join())
        wrong.push(`${runId} (${job.workflow.name})`);
    }
    return { wrong, compared };
  } finally {
    await server.stop('SIGKILL');
    await scratch.dispose();
  }
}

/** `nodeId.port digest` of every file. */
function filesOf({ nodes }: RunState): string[] {
  return Object.entries(nodes)
    .flatMap(([id, { outputs = {} }]) =>
      Object.entries(outputs).flatMap(([port, { file }]) =>
        file === undefined ? [] : [`${id}.${port} ${file.digest}`],
      ),
    )
    .sort();
}
