/**
 * A run as a timeline in the Chrome trace event format, which chrome://tracing and Perfetto open. Every lane is a
 * thread, every node that ran a slice on it; where a lane has room for several, each place in it is a thread. The time
 * a node waited is a slice of its own, on an asynchronous track, since many wait at once.
 *
 * @see "Trace Event Format", Google, docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
 */
import { z } from 'zod';
import { reasonText } from './reasons.ts';
import type { RunEvent } from './run-events.ts';

const traceArgsSchema = z.record(z.string(), z.union([z.string(), z.number()]));

const traceEventSchema = z.strictObject({
  name: z.string(),
  cat: z.string(),
  /** A whole slice; begin and end of an asynchronous one; an instant; the name or place of a thread. */
  ph: z.enum(['X', 'b', 'e', 'i', 'M']),
  /** Microseconds since the first event of the run. */
  ts: z.number(),
  /** Of a whole slice, microseconds. */
  dur: z.number().min(0).optional(),
  pid: z.number().int(),
  tid: z.number().int(),
  /** What begin and end of an asynchronous slice share. */
  id: z.string().optional(),
  /** An instant is drawn on its thread. */
  s: z.literal('t').optional(),
  args: traceArgsSchema.optional(),
});
export type TraceEvent = z.infer<typeof traceEventSchema>;

/** A file that trace viewers open. */
export const runTraceSchema = z.strictObject({
  traceEvents: z.array(traceEventSchema),
  displayTimeUnit: z.literal('ms'),
  otherData: z.record(z.string(), z.string()),
});
export type RunTrace = z.infer<typeof runTraceSchema>;

type Args = Record<string, string | number>;
type NodeStarted = Extract<RunEvent, { type: 'node.started' }>;

/** One place in a lane. */
interface Row {
  readonly tid: number;
  /** Where its last slice ends, microseconds. */
  end: number;
  isBusy: boolean;
}

interface OpenNode {
  readonly started: NodeStarted;
  readonly row: Row;
  readonly ts: number;
}

/** What the run as a whole is at: waiting, on its way to a runner, at work. */
interface Phase {
  readonly name: string;
  readonly ts: number;
}

const pid = 1;
/** Times of events are whole milliseconds: what begins within the one in which another ended came after it. */
const resolution = 1000;
/** A slice of no length has no end after its beginning, which viewers take for a fault. */
const shortest = 1;

/** The timeline of a run in the making. */
export interface TraceBuilder {
  /** Takes in the next event of the run. */
  add(event: RunEvent): void;
  /**
   * The timeline of what was taken in; nothing more is, then. What has no end yet, in a run that goes on, ends with the
   * last event and says `outcome: 'unfinished'`. In the order of time.
   */
  finish(): RunTrace;
}

/** The timeline of a run from all its events, in their order. */
export function traceRun(events: Iterable<RunEvent>): RunTrace {
  const builder = createTraceBuilder();
  for (const event of events) builder.add(event);
  return builder.finish();
}

/** Events of a file that are written as one piece of text. */
const eventsPerPiece = 500;

/** The file of a trace, piece by piece, so that a long one can be written with pauses. */
export function* traceText({ traceEvents, ...rest }: RunTrace): Generator<string> {
  yield '{"traceEvents":[';
  for (let at = 0; at < traceEvents.length; at += eventsPerPiece) {
    const piece = JSON.stringify(traceEvents.slice(at, at + eventsPerPiece)).slice(1, -1);
    yield at === 0 ? piece : `,${piece}`;
  }
  yield `],${JSON.stringify(rest).slice(1)}\n`;
}

/** Begins a timeline. An event costs the same however long the run is. */
export function createTraceBuilder(): TraceBuilder {
  const names: TraceEvent[] = [];
  const traceEvents: TraceEvent[] = [];
  const otherData: Record<string, string> = {};
  const threads = new Map<string, number>();
  const lanes = new Map<string, Row[]>();
  const open = new Map<string, OpenNode>();
  /** Nodes whose result another run is computing, with what begin and end of that share. */
  const others = new Map<string, Pick<TraceEvent, 'name' | 'cat' | 'pid' | 'tid' | 'id'>>();
  let phase: Phase | undefined;
  let phaseEnd = 0;
  let attempt = 1;
  let firstMs: number | undefined;
  let now = 0;

  const threadOf = (name: string): number => {
    const known = threads.get(name);
    if (known !== undefined) return known;
    const tid = threads.size + 1;
    threads.set(name, tid);
    names.push({ name: 'thread_name', cat: '', ph: 'M', ts: 0, pid, tid, args: { name } });
    return tid;
  };

  const rowOf = (lane: string, ts: number): Row => {
    const rows = lanes.get(lane) ?? [];
    lanes.set(lane, rows);
    const free = rows.find(({ isBusy, end }) => !isBusy && end <= ts + resolution);
    if (free !== undefined) return free;
    const name = rows.length === 0 ? lane : `${lane} (${rows.length + 1})`;
    const row: Row = { tid: threadOf(name), end: 0, isBusy: false };
    rows.push(row);
    return row;
  };

  const begin = (started: NodeStarted): void => {
    const row = rowOf(started.lane ?? 'nodes', now);
    row.isBusy = true;
    const ts = Math.max(now, row.end);
    open.set(started.nodeId, { started, row, ts });
    const { nodeId, waitedMs, lane } = started;
    if (waitedMs === undefined) return;
    const wait = {
      name: `waits (${lane ?? 'nodes'})`,
      cat: 'waiting',
      pid,
      tid: row.tid,
      id: `${attempt}/${nodeId}`,
    };
    traceEvents.push(
      { ...wait, ph: 'b', ts: Math.max(0, ts - waitedMs * 1000), args: { nodeId, waitedMs } },
      { ...wait, ph: 'e', ts },
    );
  };

  const end = (nodeId: string, outcome: string, details: Args = {}, durationMs?: number): void => {
    const node = open.get(nodeId);
    if (node === undefined) return;
    open.delete(nodeId);
    const { started, row, ts } = node;
    const { nodeType, because, waitedMs } = started;
    const longest = Math.max(0, now + resolution - ts);
    const dur = Math.max(
      shortest,
      durationMs === undefined ? now - ts : Math.min(Math.round(durationMs * 1000), longest),
    );
    row.isBusy = false;
    row.end = ts + dur;
    traceEvents.push({
      name: nodeId,
      cat: nodeType ?? 'node',
      ph: 'X',
      ts,
      dur,
      pid,
      tid: row.tid,
      args: {
        outcome,
        ...(because === undefined ? {} : { reason: because.code, ran: reasonText(because) }),
        ...(waitedMs === undefined ? {} : { waitedMs }),
        ...(durationMs === undefined ? {} : { durationMs }),
        ...details,
      },
    });
  };

  const waitForOther = (nodeId: string): void => {
    if (others.has(nodeId)) return;
    const wait = {
      name: 'waits (another run)',
      cat: 'waiting',
      pid,
      tid: threadOf('run'),
      id: `${attempt}/${nodeId}/other`,
    };
    others.set(nodeId, wait);
    traceEvents.push({ ...wait, ph: 'b', ts: now, args: { nodeId } });
  };

  const endWaitForOther = (nodeId: string): void => {
    const wait = others.get(nodeId);
    if (wait === undefined) return;
    others.delete(nodeId);
    traceEvents.push({ ...wait, ph: 'e', ts: now });
  };

  const endAll = (outcome: string, details: Args = {}): void => {
    for (const nodeId of [...others.keys()]) endWaitForOther(nodeId);
    for (const nodeId of [...open.keys()]) end(nodeId, outcome, details);
  };

  const instant = (thread: string, name: string, cat: string, args: Args = {}): void => {
    traceEvents.push({ name, cat, ph: 'i', s: 't', ts: now, pid, tid: threadOf(thread), args });
  };

  const enter = (name: string | undefined, details: Args = {}): void => {
    if (phase !== undefined) {
      const { ts } = phase;
      const dur = Math.max(shortest, now - ts);
      phaseEnd = ts + dur;
      const args = { attempt, ...details };
      traceEvents.push({
        name: phase.name,
        cat: 'run',
        ph: 'X',
        ts,
        dur,
        pid,
        tid: threadOf('run'),
        args,
      });
    }
    phase = name === undefined ? undefined : { name, ts: Math.max(now, phaseEnd) };
  };

  const add = (event: RunEvent): void => {
    if (firstMs === undefined) {
      firstMs = event.atMs;
      otherData.runId = event.runId;
      otherData.beganAt = new Date(event.atMs).toISOString();
      names.push({ name: 'process_name', cat: '', ph: 'M', ts: 0, pid, tid: 0, args: { name: 'Reelgraph' } });
      threadOf('run');
    }
    // A clock that was set back must not turn a slice around.
    now = Math.max(now, Math.round((event.atMs - firstMs) * 1000));
    switch (event.type) {
      case 'run.queued':
        otherData.workflowName = event.workflowName;
        enter('waits in the queue');
        break;
      case 'run.assigned':
        enter('is given to a runner');
        attempt = event.attempt;
        break;
      case 'run.started':
        enter('runs');
        break;
      case 'run.released':
        endAll('interrupted');
        enter('waits in the queue', { outcome: 'released' });
        break;
      case 'run.interrupted':
        endAll('interrupted', { error: event.error.code });
        enter('waits in the queue', { outcome: 'interrupted', error: event.error.code });
        break;
      case 'run.finished':
        endAll(event.status === 'cancelled' ? 'cancelled' : 'unfinished');
        enter(undefined, { outcome: event.status });
        break;
      case 'run.moved':
        instant('run', 'moved', 'run', { priority: event.priority });
        break;
      case 'run.cancel-requested':
        instant('run', 'cancel requested', 'run');
        break;
      case 'node.waiting':
        waitForOther(event.nodeId);
        break;
      case 'node.started':
        endWaitForOther(event.nodeId);
        begin(event);
        break;
      case 'node.finished': {
        const { continuedFrom, peakResidentBytes } = event;
        const details = {
          ...(continuedFrom === undefined ? {} : { continuedFrom }),
          ...(peakResidentBytes === undefined ? {} : { peakResidentBytes }),
        };
        end(event.nodeId, 'finished', details, event.durationMs);
        break;
      }
      case 'node.failed':
        end(event.nodeId, 'failed', { error: event.error.code, message: event.error.message });
        break;
      case 'node.cached':
        endWaitForOther(event.nodeId);
        instant('from the cache', event.nodeId, 'cache', { source: event.source });
        break;
      case 'node.skipped':
        endWaitForOther(event.nodeId);
        instant('not run', event.nodeId, 'skipped', { because: event.because });
        break;
      case 'node.progress':
        // Not in the journal, so a trace that showed it would differ by where it was made.
        break;
    }
  };

  return {
    add,
    finish() {
      endAll('unfinished');
      enter(undefined, { outcome: 'unfinished' });
      traceEvents.sort((a, b) => a.ts - b.ts);
      return { traceEvents: [...names, ...traceEvents], displayTimeUnit: 'ms', otherData };
    },
  };
}
