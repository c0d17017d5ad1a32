/**
 * A crowd on the event stream of a real server: a thousand clients that read, some that stop reading, and some that
 * lose their connection and return. The queue is paused and its runs are moved about, ten times a second, so that no
 * model is measured; then runs of many nodes, of which each is two events, come as fast as the runner makes them.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { createClient, type ReelgraphClient } from '@reelgraph/client';
import { emptyWorkflow, type RunState, type Workflow } from '@reelgraph/graph';
import { eventsPath, protocolVersion } from '@reelgraph/protocol';
import { startServer, temporaryFolder } from '../support/server.ts';
import type { FaultPiece } from './piece.ts';
import type { ListenersOptions, ListenersReport, ToListeners } from './sockets/listeners.ts';

export interface CrowdOptions {
  readonly seed: number;
  /** Clients that only read. */
  readonly steady: number;
  /** Clients that come and go. */
  readonly restless: number;
  /** Clients that say hello and then read nothing more. */
  readonly dead: number;
  /** Runs in the queue. */
  readonly waiting: number;
  /** How long ten events a second are told. */
  readonly seconds: number;
  /** Nodes of each run of the flood, and runs. */
  readonly flood: { readonly nodes: number; readonly runs: number };
}

export interface CrowdOutcome {
  /** Journaled events times clients that had to be told of them, in the time of ten a second. */
  readonly told: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly outOfOrder: number;
  readonly returns: number;
  readonly snapshots: number;
  /** Clients whose picture at the end is not the server's. */
  readonly wrongPictures: number;
  readonly floodEvents: number;
  /** Connections that read nothing and are still held at the end of the flood. */
  readonly deadHeld: number;
  /** Most resident memory of the server above that before: in a flood without dead readers, and in one with them. */
  readonly floodBytes: number;
  readonly deadBytes: number;
}

/** Ten a second. */
const eventIntervalMs = 100;
const clientsPerProcess = 500;

/** Lets a crowd listen to a server of its own, and answers what they heard. */
export async function loadSockets(options: CrowdOptions): Promise<CrowdOutcome> {
  const { seed, steady, restless, dead, flood } = options;
  const scratch = await temporaryFolder();
  const server = await startServer({ dataFolder: join(scratch.path, 'data') });
  const { baseUrl } = server;
  const client = createClient({ baseUrl });
  const crowd: Listeners[] = [];
  const silent: Socket[] = [];
  try {
    await client.pauseQueue();
    const workflow = chain(flood.nodes);
    const waiting = Array.from({ length: options.waiting }, () => ({}));
    const { runIds } = await client.startRuns(workflow, waiting, { targets: ['last'] });
    crowd.push(await listen({ baseUrl, steady: 0, restless, seed }));
    for (let left = steady; left > 0; left -= clientsPerProcess)
      crowd.push(await listen({ baseUrl, steady: Math.min(left, clientsPerProcess), restless: 0, seed }));

    await tellTenASecond(client, runIds, 1);
    for (const listeners of crowd) listeners.tell('measure');
    for (const listeners of crowd) listeners.tell('roam');
    const before = await cursorOf(client);
    await tellTenASecond(client, runIds, options.seconds);
    for (const listeners of crowd) listeners.tell('stay');
    const told = (await cursorOf(client)) - before;
    const calm = await Promise.all(crowd.map((listeners) => listeners.reportAt(before + told)));
    const [returning, ...reading] = calm;
    for (const listeners of crowd.splice(1)) listeners.end();

    await client.cancelAllRuns();
    // That the queue goes on is counted with the events, and is told with the queue and not as one of them.
    const unheard = (await cursorOf(client)) + 1;
    await client.resumeQueue();
    const memory = watchMemory(baseUrl);
    const runFlood = async (sweep: number): Promise<number> => {
      const least = await memory.restart();
      const inputs = Array.from({ length: flood.runs }, (_, run) => ({ 'scene.seed': `${sweep}${run}` }));
      const { runIds } = await client.startRuns(workflow, inputs, { targets: ['last'] });
      while ((await client.getQueue()).runningId !== null || (await client.getQueue()).waitingCount > 0)
        await pause(50);
      const { run } = await client.call('getRun', { params: { runId: runIds.at(-1) ?? '' } });
      if (run.status !== 'succeeded') throw new Error(`a run of the flood has ${run.status}`);
      return (await memory.most()) - least;
    };
    // The first makes the server as large as such runs make it.
    await runFlood(1);
    const floodBytes = await runFlood(2);
    const floodBefore = await cursorOf(client);
    for (let count = 0; count < dead; count += 1) silent.push(await silentReader(baseUrl));
    crowd[0]?.tell('leave');
    const deadBytes = await runFlood(3);
    const deadHeld = await memory.clients();
    const floodEvents = (await cursorOf(client)) - floodBefore;
    memory.end();
    crowd[0]?.tell('stay');
    const last = await cursorOf(client);
    const after = await crowd[0]?.reportAt(last);
    const truth = await picture(client);
    const pictures = after?.pictures ?? [];
    const lateness = addUp(reading.map((report) => report.lateness));
    return {
      told: told * (steady + restless),
      p50Ms: percentile(lateness, 0.5),
      p99Ms: percentile(lateness, 0.99),
      outOfOrder: [...reading, ...(after === undefined ? [] : [after])]
        .flatMap(({ jumps }) => jumps)
        .filter(([last, next]) => last !== unheard - 1 || next !== unheard + 1).length,
      returns: after?.returns ?? 0,
      snapshots: after === undefined ? 0 : after.snapshots - (returning?.snapshots ?? 0),
      wrongPictures: pictures.filter((known) => !knows(known, truth)).length,
      floodEvents,
      deadHeld,
      floodBytes,
      deadBytes,
    };
  } finally {
    for (const socket of silent) socket.destroy();
    for (const listeners of crowd) listeners.end();
    await server.stop();
    await scratch.dispose();
  }
}

/** scene ──> small ──> mask ──> n0 ──> n1 … ──> last: trifles to compute, and two events each */
function chain(length: number): Workflow {
  const workflow = structuredClone(emptyWorkflow('chain'));
  const link = (n: number): string => `n${n}-of-a-chain-whose-nodes-are-told-of-one-by-one`;
  const ids = ['scene', 'small', 'mask', ...Array.from({ length: length - 4 }, (_, n) => link(n)), 'last'];
  const types = ['ground-truth-scene', 'resize-frames', 'box-mask'];
  const params = [
    { seed: '0', frames: 5 },
    { width: 16, height: 16 },
  ];
  for (const [index, id] of ids.entries()) {
    workflow.nodes[id] = { type: types[index] ?? 'invert-mask', version: 1, params: params[index] ?? {} };
    const from = ids[index - 1];
    const port = index <= types.indexOf('box-mask') ? 'frames' : 'mask';
    if (from !== undefined) workflow.edges.push({ from: [from, port], to: [id, port] });
  }
  return workflow;
}

async function tellTenASecond(
  client: ReelgraphClient,
  runIds: readonly string[],
  seconds: number,
): Promise<void> {
  const calls: Promise<unknown>[] = [];
  const began = performance.now();
  for (let count = 0; count < seconds * 10; count += 1) {
    const due = began + count * eventIntervalMs;
    await pause(Math.max(0, due - performance.now()));
    // Each call is one event.
    calls.push(client.moveRun(runIds[count % runIds.length] ?? '', { to: 'back' }));
  }
  await Promise.all(calls);
}

/** Cursor of the newest event, and the runs, as somebody is told who comes now. */
function greeting(client: ReelgraphClient): Promise<{ cursor: number; runs: readonly RunState[] }> {
  return new Promise((answered) => {
    const connection = client.connectEvents({
      onWelcome: ({ cursor, runs = [] }) => {
        connection.close();
        answered({ cursor, runs });
      },
      onEvent: () => {},
      onPreview: () => {},
    });
  });
}
const cursorOf = async (client: ReelgraphClient): Promise<number> => (await greeting(client)).cursor;
const picture = async (client: ReelgraphClient): Promise<readonly RunState[]> =>
  (await greeting(client)).runs;

/** Whether somebody who may know older runs, too, knows of these runs what the server does. */
function knows(known: readonly RunState[], truth: readonly RunState[]): boolean {
  const byId = new Map(known.map((run) => [run.runId, run]));
  return truth.every((run) => isDeepStrictEqual(byId.get(run.runId), run));
}

interface Listeners {
  tell(message: ToListeners): void;
  /** What they have heard once they know everything up to `cursor`; or after a minute without it. */
  reportAt(cursor: number): Promise<ListenersReport>;
  end(): void;
}

async function listen(options: ListenersOptions): Promise<Listeners> {
  const child = fork(join(import.meta.dirname, 'sockets/listeners.ts'), [JSON.stringify(options)]);
  const exited = once(child, 'exit').then(() => Promise.reject(new Error('the listeners ended')));
  exited.catch(() => {});
  await Promise.race([once(child, 'message'), exited]);
  const ask = async (): Promise<ListenersReport> => {
    const answered = once(child, 'message');
    child.send('report');
    const [report]: ListenersReport[] = await Promise.race([answered, exited]);
    if (report === undefined) throw new Error('the listeners reported nothing');
    return report;
  };
  return {
    tell: (message) => void child.send(message),
    async reportAt(cursor) {
      let report = await ask();
      for (let tries = 0; report.cursor < cursor && tries < 300; tries += 1) {
        await pause(200);
        report = await ask();
      }
      return report;
    },
    end: () => void (child.connected && child.disconnect()),
  };
}

/** A connection that has said hello and reads nothing of the answer. */
async function silentReader(baseUrl: string): Promise<Socket> {
  const { host, hostname, port } = new URL(baseUrl);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => {});
  const key = 'AAAAAAAAAAAAAAAAAAAAAA==';
  const headers = `Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}`;
  socket.write(
    `GET ${eventsPath} HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${baseUrl}\r\nConnection: Upgrade\r\n${headers}\r\n\r\n`,
  );
  await once(socket, 'data');
  socket.pause();
  const hello = Buffer.from(JSON.stringify({ type: 'hello', protocol: protocolVersion }));
  // One masked text frame (RFC 6455, 5.2) with a mask of zeros.
  socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | hello.length, 0, 0, 0, 0]), hello]));
  return socket;
}

/** Looks at the server's metrics, as its operator would. */
function watchMemory(baseUrl: string) {
  let most = 0;
  const read = async (name: string): Promise<number> => {
    const text = await (await fetch(`${baseUrl}/metrics`)).text();
    return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1]);
  };
  const sample = async (): Promise<number> => {
    const bytes = await read('process_resident_memory_bytes');
    most = Math.max(most, bytes);
    return bytes;
  };
  const timer = setInterval(() => void sample().catch(() => {}), 100);
  return {
    /** Forgets what was seen, and answers what is held now. */
    async restart(): Promise<number> {
      most = 0;
      return sample();
    },
    async most(): Promise<number> {
      await sample();
      return most;
    },
    clients: () => read('reelgraph_websocket_clients'),
    end: () => clearInterval(timer),
  };
}

function addUp(histograms: readonly (readonly number[])[]): number[] {
  const sum: number[] = [];
  for (const histogram of histograms)
    for (const [at, count] of histogram.entries()) sum[at] = (sum[at] ?? 0) + count;
  return sum;
}

/** The smallest value that this share of a histogram does not exceed; NaN of an empty one. */
function percentile(histogram: readonly number[], share: number): number {
  const total = histogram.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [at, count] of histogram.entries()) {
    seen += count;
    if (count > 0 && seen >= share * total) return at;
  }
  return Number.NaN;
}

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`;

const sockets: FaultPiece = async (report, { seed, count = 1000 }) => {
  const restless = Math.ceil(count / 20);
  const dead = Math.ceil(count / 25);
  const outcome = await loadSockets({
    seed,
    steady: count - restless,
    restless,
    dead,
    waiting: 300,
    seconds: 15,
    flood: { nodes: 500, runs: 20 },
  });
  const { told, p50Ms, p99Ms, outOfOrder, returns, snapshots, wrongPictures } = outcome;
  report({
    fault: 'sockets: clients that hear ten events a second',
    cases: count,
    outcome: `${told.toLocaleString('en')} tellings: p50 ${p50Ms} ms, p99 ${p99Ms} ms`,
    wanted: 'p99 < 250 ms',
    met: p99Ms < 250,
  });
  report({
    fault: `sockets: ${restless} of them lost and back at random, then away from ${outcome.floodEvents.toLocaleString('en')} events`,
    cases: returns,
    outcome: `${outOfOrder} missed, twice or out of order; ${snapshots} snapshots, ${wrongPictures} wrong pictures`,
    wanted: 'every event once, in order, or a snapshot',
    met: outOfOrder === 0 && wrongPictures === 0 && snapshots > 0 && returns > restless,
  });
  const { deadHeld, floodBytes, deadBytes } = outcome;
  const cost = deadBytes - floodBytes;
  report({
    fault: `sockets: readers that read nothing of ${outcome.floodEvents.toLocaleString('en')} events`,
    cases: dead,
    outcome: `${deadHeld} held on to, server +${mebibytes(deadBytes)} (+${mebibytes(floodBytes)} without them)`,
    wanted: 'all dropped, < 64 MiB for them',
    met: deadHeld === 0 && cost < 64 * 1024 * 1024,
  });
};
export default sockets;
