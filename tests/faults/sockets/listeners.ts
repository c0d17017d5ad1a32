/**
 * A process with many clients of the event stream, so that one computer can be a crowd. Steady ones read what comes and
 * note how late it is; restless ones lose their connection at random, come back as every Reelgraph page does, and
 * keep the picture of the runs that they are told of.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '@reelgraph/client';
import { createRunFold, type RunEvent, type RunFold, type RunState } from '@reelgraph/graph';
import { protocolVersion } from '@reelgraph/protocol';
import { WebSocket } from 'ws';
import { createRandom, type Random } from '../../support/random.ts';

/** What a process of listeners is started with, as JSON. */
export interface ListenersOptions {
  readonly baseUrl: string;
  readonly steady: number;
  readonly restless: number;
  readonly seed: number;
}

export type ToListeners =
  /** Lateness counts from now on. */
  | 'measure'
  /** Restless ones lose their connection from now on, or stay. */
  | 'roam'
  | 'stay'
  /** Restless ones are away until told to stay. */
  | 'leave'
  | 'report';

export interface ListenersReport {
  readonly kind: 'report';
  /** Events by how many milliseconds after they happened they were read; the last place counts all later ones. */
  readonly lateness: readonly number[];
  /** Journaled events that steady and restless clients read. */
  readonly events: number;
  /** Where an event did not follow the one before, as cursors of both: missed, told twice, or out of order. */
  readonly jumps: readonly Jump[];
  /** Connections of restless clients after the first, and how many of them began with a whole picture. */
  readonly returns: number;
  readonly snapshots: number;
  /** Lowest cursor that a client has come to. */
  readonly cursor: number;
  /** What each restless client knows, newest run last. */
  readonly pictures: readonly (readonly RunState[])[];
}

export type Jump = readonly [after: number, next: number];

export const longestLatenessMs = 20_000;

interface Streamed {
  readonly type: string;
  readonly cursor: number;
  readonly event: RunEvent;
}

/** Follows the cursors of one client: journaled events come one after the other. */
class Order {
  cursor = 0;
  events = 0;
  readonly jumps: Jump[] = [];

  take({ cursor, event }: Pick<Streamed, 'cursor' | 'event'>): void {
    if (event.type === 'node.progress') return;
    this.events += 1;
    if (cursor !== this.cursor + 1) this.jumps.push([this.cursor, cursor]);
    this.cursor = cursor;
  }
}

class Steady {
  readonly order = new Order();
  readonly #lateness: number[];

  constructor(lateness: number[]) {
    this.#lateness = lateness;
  }

  connect(baseUrl: string): Promise<void> {
    const socket = new WebSocket(`${baseUrl.replace('http', 'ws')}/api/v1/events`, { origin: baseUrl });
    return new Promise((welcomed, failed) => {
      socket.on('open', () => socket.send(JSON.stringify({ type: 'hello', protocol: protocolVersion })));
      socket.on('error', failed);
      socket.on('close', () => {
        failed(new Error('closed before the welcome'));
        // A steady client is never to be dropped.
        this.order.jumps.push([this.order.cursor, this.order.cursor]);
      });
      socket.on('message', (data) => {
        const message: Streamed = JSON.parse(String(data));
        if (message.type === 'welcome') {
          this.order.cursor = message.cursor;
          welcomed();
        } else if (message.type === 'event') {
          const late = Math.max(0, Date.now() - message.event.atMs);
          const at = Math.min(late, longestLatenessMs);
          this.#lateness[at] = (this.#lateness[at] ?? 0) + 1;
          this.order.take(message);
        }
      });
    });
  }
}

class Restless {
  readonly order = new Order();
  readonly runs = new Map<string, RunFold>();
  returns = -1;
  snapshots = 0;
  mood: 'roam' | 'stay' | 'leave' = 'stay';
  readonly #random: Random;
  #socket: WebSocket | undefined;

  constructor(random: Random) {
    this.#random = random;
  }

  connect(baseUrl: string): Promise<void> {
    const noteSocket = (socket: WebSocket): void => {
      this.#socket = socket;
      if (this.mood === 'leave') socket.terminate();
    };
    class Noted extends WebSocket {
      constructor(url: string, options: object) {
        super(url, options);
        noteSocket(this);
      }
    }
    const client = createClient({
      baseUrl,
      // What the client uses of a browser's WebSocket is there.
      WebSocket: Noted as unknown as typeof globalThis.WebSocket,
    });
    return new Promise((welcomed) => {
      client.connectEvents({
        retryDelayMs: () => (this.mood === 'leave' ? 1000 : 20) + this.#random.below(800),
        onWelcome: ({ cursor, runs }) => {
          this.returns += 1;
          if (runs !== undefined) {
            if (this.returns > 0) this.snapshots += 1;
            this.order.cursor = cursor;
            this.runs.clear();
            for (const run of runs) this.runs.set(run.runId, createRunFold(run));
          }
          welcomed();
        },
        onEvent: ({ cursor, event }) => {
          this.order.take({ cursor, event });
          const run = this.runs.get(event.runId);
          if (run !== undefined) run.apply(event);
          else this.runs.set(event.runId, createRunFold(event));
        },
        onPreview: () => {},
      });
    });
  }

  setMood(mood: Restless['mood']): void {
    this.mood = mood;
    if (mood === 'leave') this.#socket?.terminate();
    if (mood === 'roam') void this.#roam();
  }

  async #roam(): Promise<void> {
    while (this.mood === 'roam') {
      await pause(100 + this.#random.below(1500));
      if (this.mood === 'roam') this.#socket?.terminate();
    }
  }
}

async function main({ baseUrl, steady, restless, seed }: ListenersOptions): Promise<void> {
  const lateness: number[] = new Array(longestLatenessMs + 1).fill(0);
  const steadies = Array.from({ length: steady }, () => new Steady(lateness));
  const restlesses = Array.from({ length: restless }, (_, index) => new Restless(createRandom(seed + index)));
  const all = [...steadies, ...restlesses];
  process.on('disconnect', () => process.exit());
  process.on('message', (message: ToListeners) => {
    switch (message) {
      case 'measure':
        lateness.fill(0);
        break;
      case 'report': {
        const orders = all.map(({ order }) => order);
        const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
        const report: ListenersReport = {
          kind: 'report',
          lateness,
          events: sum(orders.map(({ events }) => events)),
          jumps: orders.flatMap(({ jumps }) => jumps),
          returns: sum(restlesses.map(({ returns }) => returns)),
          snapshots: sum(restlesses.map(({ snapshots }) => snapshots)),
          cursor: Math.min(...orders.map(({ cursor }) => cursor)),
          pictures: restlesses.map(({ runs }) => [...runs.values()].map((fold) => fold.state)),
        };
        process.send?.(report);
        break;
      }
      default:
        for (const client of restlesses) client.setMood(message);
    }
  });
  // Not all in one moment: a crowd arrives over a second or two.
  for (let at = 0; at < all.length; at += 50)
    await Promise.all(all.slice(at, at + 50).map((client) => client.connect(baseUrl)));
  process.send?.({ kind: 'ready' });
}

const [given] = process.argv.slice(2);
if (given !== undefined) {
  const options: ListenersOptions = JSON.parse(given);
  await main(options);
}
