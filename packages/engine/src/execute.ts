/**
 * Carries out a plan: looks backwards from the targets for what is cached, runs what is not, side by side where
 * nothing forbids it. A failure stops only what needs the failed node.
 */
import type { OutputSummary, RanBecause, RunError, RunEvent, RunEventBody } from '@reelgraph/graph';
import { outputSummarySchema, stringifyWorkflow } from '@reelgraph/graph';
import type { Lane, RunContext } from '@reelgraph/node-api';
import type { Store } from '@reelgraph/store';
import { z } from 'zod';
import { type NodeCheckpoints, openCheckpoints } from './checkpointing.ts';
import type { Clock, EngineOptions, RunRequest, RunResult } from './engine-types.ts';
import { describeError, EngineError } from './errors.ts';
import type { KeyHistory } from './history.ts';
import { type CachedResult, filesIn, type MemoryCache, type Outputs } from './memory-cache.ts';
import type { PlannedNode, RunPlan } from './plan.ts';
import { plannedFiles, plannedModels } from './planned-services.ts';
import { summarise, valueFault } from './port-values.ts';
import { createProgressMeter, nextPreviewAt } from './progress.ts';

/** What an engine keeps between runs. */
export interface EngineState {
  readonly options: EngineOptions;
  readonly memory: MemoryCache;
  readonly history: KeyHistory;
  readonly clock: Clock;
  readonly cpuLanes: number;
}

type Summaries = Readonly<Record<string, OutputSummary>>;

/** A planned node during the run. */
interface Slot {
  readonly node: PlannedNode;
  state: 'unneeded' | 'needed' | 'cached' | 'waiting' | 'running' | 'finished' | 'failed' | 'skipped';
  source: 'memory' | 'disk';
  /** Held while someone still needs it. */
  outputs: Outputs | undefined;
  summaries: Summaries;
  /** Its stored result was there but broken. */
  damaged: boolean;
  /** Nodes it still waits for. */
  waitingFor: number;
  /** Nodes that will run and need it; indices. */
  dependents: number[] | undefined;
  /** How many of them have not taken their input yet. */
  consumers: number;
  /** Later nodes that are the same computation. */
  twins: number[] | undefined;
}

/** A node at work. */
interface NodeWork {
  readonly context: RunContext;
  /** Those of the node, if it asked for any. */
  checkpoints(): NodeCheckpoints | undefined;
  /** The step of an interrupted run that it went on from. */
  continuedFrom(): number | undefined;
  /** Its reports go nowhere from now on. */
  close(): void;
}

/** Results that took this long are worth waiting for the disk. */
const worthSyncingMs = 100;
/** Results written at the same time; more only compete for one disk. */
const savesAtOnce = 2;

export async function executePlan(
  state: EngineState,
  plan: RunPlan,
  request: RunRequest,
  startedAt: number,
): Promise<RunResult> {
  const { clock, memory, history } = state;
  const { store } = state.options;
  const { workflow, runId } = request;
  const signal = request.signal ?? new AbortController().signal;
  let seq = request.firstSeq ?? 1;
  const emit = (body: RunEventBody): void => {
    const event: RunEvent = { ...body, runId, seq, atMs: clock.now() };
    seq += 1;
    request.onEvent(event);
  };

  const slots = plan.nodes.map(
    (node): Slot => ({
      node,
      state: 'unneeded',
      source: 'memory',
      outputs: undefined,
      summaries: {},
      damaged: false,
      waitingFor: 0,
      dependents: undefined,
      consumers: 0,
      twins: undefined,
    }),
  );
  const slotAt = (index: number): Slot => {
    const slot = slots[index];
    if (slot === undefined) throw new RangeError(`The plan has no node ${index}.`);
    return slot;
  };
  /** The slot that does the work: a twin's work is done by the first of its kind. */
  const worker = (index: number): Slot => {
    const slot = slotAt(index);
    return slot.node.sameAs === undefined ? slot : slotAt(slot.node.sameAs);
  };

  emit({ type: 'run.started', nodeIds: [...plan.nodes.map(({ id }) => id), ...plan.muted.keys()] });
  for (const [id, reason] of plan.muted)
    emit({ type: 'node.skipped', nodeId: id, because: `it needs "${reason}", which is muted` });

  let failure: RunError | undefined;
  let workflowJson: string | undefined;
  const saves = createSaveQueue();
  const models = plannedModels(state.options.models, plan.digests);
  const files = plannedFiles(state.options.files, plan.digests);

  await findCached();
  if (!signal.aborted) await runNeeded();
  await saves.idle();
  history.save();
  return finish();

  /** From the targets backwards: behind a cached node nothing is needed, and nothing of it is read. */
  async function findCached(): Promise<void> {
    for (const target of plan.targets) worker(target).state = 'needed';
    for (let index = slots.length - 1; index >= 0; index -= 1) {
      const slot = slotAt(index);
      if (slot.node.sameAs !== undefined) {
        const first = slotAt(slot.node.sameAs);
        first.twins ??= [];
        first.twins.push(index);
      }
      if (slot.state !== 'needed') continue;
      const cached = lookInMemory(slot) ?? (await lookOnDisk(slot));
      if (cached !== undefined && (cached.files.length === 0 || (await filesAreThere(cached.files)))) {
        slot.state = 'cached';
        slot.outputs = cached.outputs;
        slot.summaries = cached.summaries;
        continue;
      }
      if (cached !== undefined) {
        slot.damaged = true;
        memory.delete(slot.node.key ?? '');
      }
      for (const { from } of slot.node.inputs) {
        const source = slotAt(from);
        if (source.state === 'unneeded') source.state = 'needed';
      }
      if (signal.aborted) return;
    }
    for (let index = 0; index < slots.length; index += 1) announceCached(index);
  }

  function lookInMemory(slot: Slot): CachedResult | undefined {
    if (slot.node.key === undefined) return undefined;
    const found = memory.peek(slot.node.key);
    if (found !== undefined) memory.touch(slot.node.key);
    return found;
  }

  async function lookOnDisk(slot: Slot): Promise<CachedResult | undefined> {
    const { key, definition } = slot.node;
    if (store === undefined || key === undefined || definition.cache !== 'disk') return undefined;
    const loaded = await store.loadResult(key).catch(() => ({ status: 'missing' }) as const);
    if (loaded.status !== 'found') {
      slot.damaged = loaded.status === 'damaged';
      return undefined;
    }
    // Whole bytes may still hold what an older program meant by this port.
    const fits = Object.entries(definition.outputs).every(
      ([port, { type }]) => valueFault(type, loaded.outputs[port]) === undefined,
    );
    if (!fits) {
      slot.damaged = true;
      return undefined;
    }
    const result = {
      outputs: loaded.outputs,
      summaries: summariesOf(slot.node, loaded.outputs),
      files: loaded.record.files,
    };
    memory.set(key, result);
    slot.source = 'disk';
    return result;
  }

  async function filesAreThere(files: readonly string[]): Promise<boolean> {
    return store === undefined || (await store.hasFiles(files).catch(() => false));
  }

  function announceCached(index: number): void {
    const slot = slotAt(index);
    const { id, key, definition } = slot.node;
    const work = worker(index);
    const announce = (source: 'memory' | 'disk', outputs: Summaries): void => {
      // The next change is told from this run, not from the last that had to compute.
      history.rememberCached(workflow.name, slot.node, plan.partsOf);
      emit({ type: 'node.cached', nodeId: id, source, outputs });
    };
    if (work.state === 'cached') announce(work.source, work.summaries);
    else if (work.state === 'unneeded') {
      const inMemory = key === undefined ? undefined : memory.peek(key);
      if (inMemory !== undefined) {
        announce('memory', inMemory.summaries);
        return;
      }
      const onDisk =
        key === undefined || definition.cache !== 'disk' ? undefined : peekOnDisk(store, slot.node);
      if (onDisk !== undefined) announce('disk', onDisk);
      else emit({ type: 'node.skipped', nodeId: id, because: 'not needed: what it leads to is cached' });
    }
  }

  function runNeeded(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const ready: Record<Lane, Queue<number>> = { inference: createQueue(), cpu: createQueue() };
    const active: Record<Lane, number> = { inference: 0, cpu: 0 };
    const limit: Record<Lane, number> = { inference: 1, cpu: state.cpuLanes };

    for (let index = 0; index < slots.length; index += 1) {
      const slot = slotAt(index);
      if (slot.state !== 'needed') continue;
      slot.state = 'waiting';
      for (const { from } of slot.node.inputs) {
        const source = slotAt(from);
        source.consumers += 1;
        if (source.state === 'cached') continue;
        source.dependents ??= [];
        source.dependents.push(index);
        slot.waitingFor += 1;
      }
      if (slot.waitingFor === 0) ready[slot.node.definition.lane].push(index);
    }
    for (const slot of slots) if (slot.consumers === 0) slot.outputs = undefined;
    pump();
    return promise;

    function pump(): void {
      for (const lane of ['inference', 'cpu'] as const) {
        while (active[lane] < limit[lane] && !signal.aborted) {
          const index = ready[lane].take();
          if (index === undefined) break;
          active[lane] += 1;
          runNode(slotAt(index))
            .then((dependents) => {
              active[lane] -= 1;
              for (const dependent of dependents) {
                const slot = slotAt(dependent);
                slot.waitingFor -= 1;
                if (slot.waitingFor === 0 && slot.state === 'waiting') {
                  ready[slot.node.definition.lane].push(dependent);
                }
              }
              pump();
            })
            // Only a listener that throws gets here; its error belongs to whoever asked for the run.
            .catch(reject);
        }
      }
      if (active.inference === 0 && active.cpu === 0) resolve();
    }
  }

  /** Runs one node and gives back those that waited for it; none when it did not succeed. */
  async function runNode(slot: Slot): Promise<readonly number[]> {
    const { node } = slot;
    slot.state = 'running';
    const because: RanBecause = history.explain(workflow.name, node, plan.partsOf, slot.damaged);
    emit({ type: 'node.started', nodeId: node.id, because });
    const startedAtMs = clock.elapsed();
    const work = openContext(node);
    let outputs: Outputs;
    try {
      const inputs = takeInputs(node);
      const returned = await node.definition.run({ inputs, params: node.params, ctx: work.context });
      // Also when the run was cancelled meanwhile: what is whole may have taken minutes and is kept.
      outputs = checkOutputs(node, returned);
    } catch (error) {
      // Whatever a node throws once it was asked to stop: stopping is no failure.
      if (!signal.aborted) fail(slot, describeError(error));
      const checkpoints = work.checkpoints();
      if (checkpoints !== undefined) saves.add(() => checkpoints.flush());
      return [];
    } finally {
      work.close();
    }
    const durationMs = clock.elapsed() - startedAtMs;
    slot.state = 'finished';
    slot.summaries = summariesOf(node, outputs);
    if (slot.consumers > 0) slot.outputs = outputs;
    const continued = work.continuedFrom();
    emit({
      type: 'node.finished',
      nodeId: node.id,
      durationMs,
      outputs: slot.summaries,
      ...(continued === undefined ? {} : { continuedFrom: continued }),
    });
    for (const twin of slot.twins ?? []) {
      emit({ type: 'node.cached', nodeId: slotAt(twin).node.id, source: 'memory', outputs: slot.summaries });
    }
    keep(node, outputs, slot.summaries, durationMs, work.checkpoints());
    return slot.dependents ?? [];
  }

  function takeInputs(node: PlannedNode): Record<string, unknown> {
    const inputs: Record<string, unknown> = {};
    for (const { port, from, output } of node.inputs) {
      const source = slotAt(from);
      inputs[port] = source.outputs?.[output];
      source.consumers -= 1;
      // The last one to take it: from here on only the cache keeps it, under its budget.
      if (source.consumers === 0) source.outputs = undefined;
    }
    return inputs;
  }

  function keep(
    node: PlannedNode,
    outputs: Outputs,
    summaries: Summaries,
    durationMs: number,
    checkpoints: NodeCheckpoints | undefined,
  ): void {
    const { key, definition } = node;
    if (key === undefined) return;
    memory.set(key, { outputs, summaries, files: filesIn(outputs) });
    history.remember(workflow.name, node, plan.partsOf);
    if (definition.cache !== 'disk' || store === undefined) {
      if (checkpoints !== undefined) saves.add(() => checkpoints.discard());
      return;
    }
    saves.add(async () => {
      try {
        await store.saveResult(
          {
            key,
            nodeType: definition.type,
            computedAtMs: clock.now(),
            durationMs,
            parts: plan.partsOf(node),
            summaries,
            outputs,
          },
          { durable: durationMs >= worthSyncingMs },
        );
        await checkpoints?.discard();
      } catch (error) {
        // The value is in memory and the run goes on; only the next start will have to compute it again.
        request.onWarning?.({ ...describeError(error), nodeId: node.id });
        await checkpoints?.flush();
      }
    });
  }

  function fail(slot: Slot, error: RunError): void {
    slot.state = 'failed';
    failure ??= error;
    for (const { node } of [slot, ...(slot.twins ?? []).map(slotAt)])
      emit({ type: 'node.failed', nodeId: node.id, error });
    const behind = [...(slot.dependents ?? [])];
    for (const index of behind) {
      const dependent = slotAt(index);
      if (dependent.state !== 'waiting') continue;
      dependent.state = 'skipped';
      for (const { node } of [dependent, ...(dependent.twins ?? []).map(slotAt)]) {
        emit({ type: 'node.skipped', nodeId: node.id, because: `it needs "${slot.node.id}", which failed` });
      }
      for (const next of dependent.dependents ?? []) behind.push(next);
    }
  }

  /** What a node may reach while it runs; afterwards its reports go nowhere. */
  function openContext(node: PlannedNode): NodeWork {
    const { media, encodePreview } = state.options;
    let open = true;
    let encoding = false;
    let nextPreviewAtMs = Number.NEGATIVE_INFINITY;
    let shownStep = -1;
    let checkpoints: NodeCheckpoints | undefined;
    const meter = createProgressMeter(node.id, clock, emit);
    const { onPreview } = request;
    const context: RunContext = {
      runId,
      nodeId: node.id,
      signal,
      models,
      media,
      files,
      get checkpoints() {
        checkpoints ??= openCheckpoints({
          store: store?.checkpoints,
          key: node.key,
          clock,
          warn: (warning) => request.onWarning?.({ ...warning, nodeId: node.id }),
          onContinued: (step) => meter.continueFrom(step),
        });
        return checkpoints.service;
      },
      get workflowJson() {
        return canonicalJson();
      },
      progress(update) {
        if (open) meter.update(update);
      },
      preview(produce) {
        if (!open || onPreview === undefined || encodePreview === undefined) return;
        const now = clock.elapsed();
        const { step, isDone } = meter;
        // What stays on the screen is the finished work, however little time the node took.
        if (!isDone && (encoding || now < nextPreviewAtMs)) return;
        encoding = true;
        const show = async (): Promise<void> => {
          // A turn later: by then the node has sent off its next step, and the picture is drawn beside it.
          await new Promise(setImmediate);
          if (!open && !isDone) return;
          const { pixels, fps } = produce();
          const encoded = await encodePreview(pixels);
          if ((!open && !isDone) || signal.aborted || step <= shownStep) return;
          shownStep = step;
          onPreview({ ...encoded, runId, nodeId: node.id, step, fps });
        };
        show()
          // A missing preview is not worth a word: the next one comes in a moment.
          .catch(() => undefined)
          .finally(() => {
            encoding = false;
            nextPreviewAtMs = nextPreviewAt(now, clock.elapsed());
          });
      },
    };
    return {
      context,
      checkpoints: () => checkpoints,
      continuedFrom: () => meter.continuedFrom,
      close() {
        open = false;
      },
    };
  }

  function canonicalJson(): string {
    workflowJson ??= stringifyWorkflow(workflow);
    return workflowJson;
  }

  function finish(): RunResult {
    const delivered = (index: number): boolean => ['cached', 'finished'].includes(worker(index).state);
    const count = plan.targets.filter(delivered).length;
    const status = statusOf(count, plan.targets.length, signal.aborted);
    const durationMs = clock.elapsed() - startedAt;
    const error = status === 'cancelled' || status === 'succeeded' ? undefined : failure;
    emit({ type: 'run.finished', status, durationMs, ...(error === undefined ? {} : { error }) });
    const outputs = new Map<string, Summaries>();
    for (const index of plan.targets)
      if (delivered(index)) outputs.set(slotAt(index).node.id, worker(index).summaries);
    const exposed = new Map<string, OutputSummary>();
    for (const [name, { from, output }] of plan.exposed) {
      const summary = delivered(from) ? worker(from).summaries[output] : undefined;
      if (summary !== undefined) exposed.set(name, summary);
    }
    return { status, durationMs, outputs, exposed, ...(error === undefined ? {} : { error }) };
  }
}

/** A run that had everything when it was cancelled has succeeded. */
function statusOf(delivered: number, wanted: number, aborted: boolean): RunResult['status'] {
  if (delivered === wanted) return 'succeeded';
  if (aborted) return 'cancelled';
  return delivered > 0 ? 'partial' : 'failed';
}

const summariesSchema = z.record(z.string(), outputSummarySchema);

function summariesOf(node: PlannedNode, outputs: Outputs): Summaries {
  const summaries: Record<string, OutputSummary> = {};
  for (const [port, { type }] of Object.entries(node.definition.outputs))
    summaries[port] = summarise(type, outputs[port]);
  return summaries;
}

/** Exactly the declared outputs, each fit for its port. */
function checkOutputs(node: PlannedNode, returned: Readonly<Record<string, unknown>>): Outputs {
  const outputs: Record<string, unknown> = {};
  for (const [port, { type, label }] of Object.entries(node.definition.outputs)) {
    const value: unknown = returned[port];
    const fault = valueFault(type, value);
    if (fault !== undefined) {
      throw new EngineError(
        'engine/bad-output',
        `Node "${node.id}" (${node.definition.title}) gave no fitting ${type} at "${label}": ${fault}.`,
      );
    }
    outputs[port] = value;
  }
  return outputs;
}

/** What the record on disk says a result looks like, if there is one. */
function peekOnDisk(store: Store | undefined, node: PlannedNode): Summaries | undefined {
  try {
    const record = node.key === undefined ? undefined : store?.peekResult(node.key);
    return record === undefined ? undefined : summariesSchema.parse(record.summaries);
  } catch {
    return undefined;
  }
}

interface Queue<T> {
  push(item: T): void;
  take(): T | undefined;
}

/** First in, first out; taking is constant time, which `Array.shift` is not. */
function createQueue<T>(): Queue<T> {
  let items: T[] = [];
  let next = 0;
  return {
    push: (item) => void items.push(item),
    take() {
      if (next === items.length) {
        items = [];
        next = 0;
        return undefined;
      }
      const item = items[next];
      next += 1;
      return item;
    },
  };
}

/** Writes results beside the run, a few at a time. */
function createSaveQueue(): { add(save: () => Promise<void>): void; idle(): Promise<void> } {
  const waiting = createQueue<() => Promise<void>>();
  const active = new Set<Promise<void>>();
  const start = (): void => {
    while (active.size < savesAtOnce) {
      const save = waiting.take();
      if (save === undefined) return;
      const running = save().finally(() => {
        active.delete(running);
        start();
      });
      active.add(running);
    }
  };
  return {
    add(save) {
      waiting.push(save);
      start();
    },
    async idle() {
      while (active.size > 0) await Promise.race(active);
    },
  };
}
