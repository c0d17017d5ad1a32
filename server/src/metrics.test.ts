import { emptyQueue, type RunEventBody } from '@reelgraph/graph';
import { beforeEach, expect, it } from 'vitest';
import { createMetrics, type Metrics } from './metrics.ts';

let nowMs: number;
let measured: number;
let isBroken: boolean;
let metrics: Metrics;
let seq: number;

beforeEach(() => {
  nowMs = 0;
  measured = 0;
  isBroken = false;
  seq = 0;
  metrics = createMetrics({
    queue: () => ({ ...emptyQueue, isPaused: true }),
    loop: { read: () => ({ maxBlockedMs: 250, p99BlockedMs: 20 }) },
    isRunnerUp: () => true,
    socketCount: () => 3,
    measureStore: async () => {
      measured += 1;
      if (isBroken) throw new Error('the disk is gone');
      return {
        bytes: measured * 100,
        checkpoints: { count: 1, bytes: 7 },
        quarantined: { count: 0, bytes: 0 },
      };
    },
    clock: () => nowMs,
  });
});

/** Events of one run, as the hub tells them. */
function hear(...bodies: RunEventBody[]): void {
  for (const body of bodies) {
    seq += 1;
    metrics.hear({ ...body, runId: 'r', seq, atMs: 0 });
  }
}
/** The samples whose name begins so. */
async function samples(prefix: string): Promise<string[]> {
  return (await metrics.text()).split('\n').filter((line) => line.startsWith(prefix));
}

it('what a run does is counted by outcome, type, lane, source and reason', async () => {
  const error = { code: 'x/full', message: 'A secret prompt.' };
  hear(
    { type: 'node.cached', nodeId: 'text', source: 'disk', outputs: {} },
    {
      type: 'node.started',
      nodeId: 'denoise',
      nodeType: 'denoise',
      lane: 'inference:cpu',
      because: { code: 'param-changed', name: 'prompt', from: 'a secret', to: 'prompt' },
    },
    { type: 'node.finished', nodeId: 'denoise', durationMs: 2500, outputs: {} },
    { type: 'node.started', nodeId: 'save', nodeType: 'save-video', lane: 'cpu', waitedMs: 40 },
    { type: 'node.failed', nodeId: 'save', error },
    { type: 'run.finished', status: 'partial', durationMs: 3000, error },
  );
  expect(await samples('reelgraph_runs_total')).toEqual(['reelgraph_runs_total{outcome="partial"} 1']);
  expect(await samples('reelgraph_cache')).toEqual([
    'reelgraph_cache_hits_total{source="disk"} 1',
    'reelgraph_cache_misses_total{reason="param-changed"} 1',
  ]);
  expect(await samples('reelgraph_node_failures')).toEqual([
    'reelgraph_node_failures_total{type="save-video",code="x/full"} 1',
  ]);
  expect(await samples('reelgraph_node_duration_seconds_sum')).toEqual([
    'reelgraph_node_duration_seconds_sum{type="denoise"} 2.5',
  ]);
  expect(await samples('reelgraph_node_wait_seconds_sum')).toEqual([
    'reelgraph_node_wait_seconds_sum{lane="inference:cpu"} 0',
    'reelgraph_node_wait_seconds_sum{lane="cpu"} 0.04',
  ]);
  expect(await metrics.text()).not.toContain('secret');
});

it('a node that an interrupted attempt was at is not counted as one that ran to its end', async () => {
  hear(
    { type: 'node.started', nodeId: 'denoise', nodeType: 'denoise', lane: 'cpu' },
    { type: 'run.interrupted', by: 'runner', error: { code: 'runner/died', message: 'It died.' } },
  );
  expect(await samples('reelgraph_run_interruptions')).toEqual([
    'reelgraph_run_interruptions_total{by="runner"} 1',
  ]);
  expect(await samples('reelgraph_node_duration_seconds_count')).toEqual([]);
});

it('the first runner is no restart', async () => {
  metrics.runnerStarted();
  expect(await samples('reelgraph_runner_restarts')).toEqual(['reelgraph_runner_restarts_total 0']);
  metrics.runnerStarted();
  expect(await samples('reelgraph_runner_restarts')).toEqual(['reelgraph_runner_restarts_total 1']);
});

it('queue, sockets and event loop are as they are when somebody asks', async () => {
  expect(await samples('reelgraph_queue')).toEqual(['reelgraph_queue_length 0', 'reelgraph_queue_paused 1']);
  expect(await samples('reelgraph_websocket')).toEqual(['reelgraph_websocket_clients 3']);
  expect(await samples('reelgraph_event_loop')).toEqual([
    'reelgraph_event_loop_delay_seconds{quantile="0.99"} 0.02',
    'reelgraph_event_loop_delay_seconds{quantile="1"} 0.25',
  ]);
});

it('the store is measured once a minute at most, and left out while it cannot be', async () => {
  const results = () => samples('reelgraph_store_bytes{kind="results"}');
  expect(await results()).toEqual(['reelgraph_store_bytes{kind="results"} 100']);
  nowMs = 59_000;
  expect(await results()).toEqual(['reelgraph_store_bytes{kind="results"} 100']);
  nowMs = 60_000;
  expect(await results()).toEqual(['reelgraph_store_bytes{kind="results"} 200']);
  nowMs = 120_000;
  isBroken = true;
  expect(await results()).toEqual([]);
  expect(await samples('reelgraph_queue_length')).toHaveLength(1);
});
