import { availableParallelism } from 'node:os';
import type { RunError, RunEventBody } from '@reelgraph/graph';
import type { Clock, Engine, EngineOptions, RunRequest, RunResult } from './engine-types.ts';
import { createCostRecorder } from './estimate/cost-recorder.ts';
import { type EngineState, executePlan } from './execute.ts';
import { createKeyHistory } from './history.ts';
import { createLanes, ledLane } from './lanes.ts';
import { createMemoryCache } from './memory-cache.ts';
import { createMemoryFrames } from './memory-frames.ts';
import { planRun } from './plan.ts';

const defaultMemoryBytes = 512 * 1024 * 1024;

const systemClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };

/**
 * An engine with its caches; it outlives runs. Runs may overlap: they share its lanes, and what two of them need is
 * computed once.
 */
export function createEngine(options: EngineOptions): Engine {
  const cpuLanes = Math.max(1, options.cpuLanes ?? availableParallelism());
  const state: EngineState = {
    options,
    memory: createMemoryCache(options.memoryBytes ?? defaultMemoryBytes),
    frames: options.frames ?? createMemoryFrames(options.media),
    history: createKeyHistory(options.store),
    clock: options.clock ?? systemClock,
    // One for each device: two nodes on it would only take turns, with the memory of both.
    lanes: createLanes((lane) => (lane === 'cpu' || lane === ledLane ? cpuLanes : 1)),
    inFlight: new Map(),
    stuck: new Set(),
    typicalRunMs: new Map(),
    costs: createCostRecorder({
      store: options.store,
      inferContext: options.inferContext,
      residentBytes: options.residentBytes ?? (() => process.memoryUsage.rss()),
    }),
  };
  return {
    run: (request) => run(state, request),
    dropMemory: () => state.memory.clear(),
    hasStuckNodes: () => state.stuck.size > 0,
  };
}

async function run(state: EngineState, request: RunRequest): Promise<RunResult> {
  const { clock, options } = state;
  const startedAt = clock.elapsed();
  const signal = request.signal ?? new AbortController().signal;
  const planned = await planRun(request.workflow, options.registry, {
    ...(request.targets === undefined ? {} : { targets: request.targets }),
    digestOfModel: async (name) => (await options.models.resolve(name, signal)).digest,
    digestOfFile: (name) => options.files.digest(name),
  });
  if (planned.ok) return executePlan(state, planned.plan, request, startedAt);

  const [first] = planned.issues;
  const more = planned.issues.length > 1 ? ` (and ${planned.issues.length - 1} more)` : '';
  const error: RunError = {
    code: first?.code ?? 'engine/cannot-run',
    message: `${first?.message ?? 'This cannot run.'}${more}`,
  };
  const durationMs = clock.elapsed() - startedAt;
  const failedNodes = new Map(
    planned.issues.flatMap(({ nodeId, code, message }) =>
      nodeId === undefined ? [] : [[nodeId, { code, message }] as const],
    ),
  );
  const events: RunEventBody[] = [
    { type: 'run.started', nodeIds: [...failedNodes.keys()] },
    ...[...failedNodes].map(
      ([nodeId, nodeError]): RunEventBody => ({ type: 'node.failed', nodeId, error: nodeError }),
    ),
    {
      type: 'run.finished',
      status: 'failed',
      durationMs,
      error,
      failures: [...failedNodes].map(([nodeId, nodeError]) => ({ nodeId, ...nodeError })),
    },
  ];
  events.forEach((body, index) => {
    request.onEvent({
      ...body,
      runId: request.runId,
      seq: (request.firstSeq ?? 1) + index,
      atMs: clock.now(),
    });
  });
  return { status: 'failed', durationMs, error, outputs: new Map(), exposed: new Map() };
}
