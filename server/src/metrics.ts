/**
 * What the server counts, for Prometheus. Most of it is read off the events that everybody else hears too; what has a
 * size at a moment (the queue, the sockets, the store) is looked at when somebody asks.
 *
 * Counters begin at 0 with the server. Labels are types, lanes, codes and reasons, of which there are few: never a run,
 * a file or a text of a person.
 */
import type { QueueState, RunEvent } from '@reelgraph/graph';
import type { StoreSize } from '@reelgraph/store';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LoopMonitor } from './loop-monitor.ts';

type StoreBytes = Pick<StoreSize, 'bytes' | 'checkpoints' | 'quarantined'>;

export interface MetricsSources {
  readonly queue: () => QueueState;
  readonly loop: Pick<LoopMonitor, 'read'>;
  readonly isRunnerUp: () => boolean;
  readonly socketCount: () => number;
  /** Walks through the whole store, so it is asked at most once a minute. */
  readonly measureStore: () => Promise<StoreBytes>;
  readonly clock?: () => number;
}

export interface Metrics {
  readonly contentType: string;
  /** Everything in the text format of Prometheus. */
  text(): Promise<string>;
  hear(event: RunEvent): void;
  /** A runner was started; every one after the first replaces another. */
  runnerStarted(): void;
}

const storeAgeMs = 60_000;
/** Seconds: a cached trifle, an image, a step, a clip, a film. */
const nodeBuckets = [0.01, 0.1, 1, 10, 60, 600, 3600];
const waitBuckets = [0.01, 0.1, 1, 10, 60, 600];
const unknownType = 'unknown';

export function createMetrics({
  queue,
  loop,
  isRunnerUp,
  socketCount,
  measureStore,
  clock = Date.now,
}: MetricsSources): Metrics {
  const registry = new Registry();
  const registers = [registry];
  /** runId -> nodeId -> type, of nodes at work: their last event does not repeat it. */
  const typesAtWork = new Map<string, Map<string, string>>();
  let hasStarted = false;
  let measuring: { readonly atMs: number; readonly size: Promise<StoreBytes | undefined> } | undefined;

  const runs = new Counter({
    name: 'reelgraph_runs_total',
    help: 'Runs that are over, by how they ended.',
    labelNames: ['outcome'],
    registers,
  });
  const interruptions = new Counter({
    name: 'reelgraph_run_interruptions_total',
    help: 'Attempts that ended without an outcome, by what ended: the runner or the server.',
    labelNames: ['by'],
    registers,
  });
  const nodeSeconds = new Histogram({
    name: 'reelgraph_node_duration_seconds',
    help: 'Time of nodes that ran to their end, by node type.',
    labelNames: ['type'],
    buckets: nodeBuckets,
    registers,
  });
  const waitSeconds = new Histogram({
    name: 'reelgraph_node_wait_seconds',
    help: 'Time between a node’s inputs and its beginning, by lane.',
    labelNames: ['lane'],
    buckets: waitBuckets,
    registers,
  });
  const failures = new Counter({
    name: 'reelgraph_node_failures_total',
    help: 'Nodes that failed, by node type and error code.',
    labelNames: ['type', 'code'],
    registers,
  });
  const hits = new Counter({
    name: 'reelgraph_cache_hits_total',
    help: 'Nodes that did not run because their result was kept, by where.',
    labelNames: ['source'],
    registers,
  });
  const misses = new Counter({
    name: 'reelgraph_cache_misses_total',
    help: 'Nodes that ran, by why.',
    labelNames: ['reason'],
    registers,
  });
  const restarts = new Counter({
    name: 'reelgraph_runner_restarts_total',
    help: 'Runners that were started in the place of one that had ended.',
    registers,
  });

  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge('reelgraph_queue_length', 'Runs that wait.', () => queue().waiting.length);
  gauge('reelgraph_queue_paused', '1 while the queue is paused.', () => Number(queue().isPaused));
  gauge('reelgraph_runs_active', 'Runs at work.', () => Number(queue().assigned !== undefined));
  gauge('reelgraph_runner_up', '1 while there is a runner.', () => Number(isRunnerUp()));
  gauge('reelgraph_websocket_clients', 'Open event streams.', socketCount);
  gauge(
    'process_resident_memory_bytes',
    'Resident memory of the server; the runner is another process.',
    () => process.memoryUsage.rss(),
  );
  new Gauge({
    name: 'reelgraph_event_loop_delay_seconds',
    help: 'How long the event loop was held up since the server listens: 99th percentile, and at most (quantile 1).',
    labelNames: ['quantile'],
    registers,
    collect() {
      const { p99BlockedMs, maxBlockedMs } = loop.read();
      this.set({ quantile: '0.99' }, p99BlockedMs / 1000);
      this.set({ quantile: '1' }, maxBlockedMs / 1000);
    },
  });
  new Gauge({
    name: 'reelgraph_store_bytes',
    help: 'Bytes in the store, not older than a minute, by kind; absent while it cannot be measured.',
    labelNames: ['kind'],
    registers,
    async collect() {
      const size = await storeSize();
      this.reset();
      if (size === undefined) return;
      this.set({ kind: 'results' }, size.bytes);
      this.set({ kind: 'checkpoints' }, size.checkpoints.bytes);
      this.set({ kind: 'quarantined' }, size.quarantined.bytes);
    },
  });

  function storeSize(): Promise<StoreBytes | undefined> {
    const atMs = clock();
    if (measuring === undefined || atMs - measuring.atMs >= storeAgeMs)
      measuring = { atMs, size: measureStore().catch(() => undefined) };
    return measuring.size;
  }

  function typeOf({ runId, nodeId }: { readonly runId: string; readonly nodeId: string }): string {
    const type = typesAtWork.get(runId)?.get(nodeId) ?? unknownType;
    typesAtWork.get(runId)?.delete(nodeId);
    return type;
  }

  return {
    contentType: registry.contentType,
    text: () => registry.metrics(),
    runnerStarted() {
      if (hasStarted) restarts.inc();
      hasStarted = true;
    },
    hear(event) {
      switch (event.type) {
        case 'node.started': {
          const { runId, nodeId, nodeType, lane, waitedMs, because } = event;
          if (nodeType !== undefined) {
            const types = typesAtWork.get(runId) ?? new Map<string, string>();
            typesAtWork.set(runId, types.set(nodeId, nodeType));
          }
          if (lane !== undefined) waitSeconds.observe({ lane }, (waitedMs ?? 0) / 1000);
          if (because !== undefined) misses.inc({ reason: because.code });
          return;
        }
        case 'node.cached':
          hits.inc({ source: event.source });
          return;
        case 'node.finished':
          nodeSeconds.observe({ type: typeOf(event) }, event.durationMs / 1000);
          return;
        case 'node.failed':
          failures.inc({ type: typeOf(event), code: event.error.code });
          return;
        case 'run.interrupted':
          interruptions.inc({ by: event.by });
          typesAtWork.delete(event.runId);
          return;
        case 'run.released':
          typesAtWork.delete(event.runId);
          return;
        case 'run.finished':
          runs.inc({ outcome: event.status });
          typesAtWork.delete(event.runId);
      }
    },
  };
}
