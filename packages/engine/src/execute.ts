/**
 * Carries out a plan: looks backwards from the targets for what is cached, runs what is not, side by side where
 * nothing forbids it. A failure stops only what needs the failed node.
 */
import type { NodeFailure, OutputSummary, RunError, RunEvent, RunEventBody } from '@reelgraph/graph';
import { outputSummarySchema, stringifyWorkflow } from '@reelgraph/graph';
import {
  type AnyNodeDefinition,
  ClipReadError,
  type FrameService,
  type Frames,
  type GrowingClip,
  growingClips,
  type RunContext,
  settledClip,
} from '@reelgraph/node-api';
import type { Store } from '@reelgraph/store';
import { z } from 'zod';
import { type NodeCheckpoints, openCheckpoints } from './checkpointing.ts';
import type { Clock, EngineOptions, RunRequest, RunResult } from './engine-types.ts';
import { describeError, EngineError } from './errors.ts';
import type { CostRecorder } from './estimate/cost-recorder.ts';
import type { KeyHistory } from './history.ts';
import { createQueue, type Lanes, ledLane } from './lanes.ts';
import { type CachedResult, filesIn, type MemoryCache, type Outputs } from './memory-cache.ts';
import type { PlannedNode, RunPlan } from './plan.ts';
import { plannedFiles, plannedModels, resultFiles } from './planned-services.ts';
import { summarise, valueFault } from './port-values.ts';
import { createProgressMeter, nextPreviewAt } from './progress.ts';
import { createSaveQueue } from './save-queue.ts';

/** What an engine keeps between runs. */
export interface EngineState {
  readonly options: EngineOptions;
  readonly memory: MemoryCache;
  readonly frames: FrameService;
  readonly history: KeyHistory;
  readonly clock: Clock;
  readonly lanes: Lanes;
  /** Keys being computed in this process, by any run, and who waits for them. */
  readonly inFlight: Map<string, InFlight>;
  /** Nodes that were given up as stuck and have not ended: nothing here can stop them. */
  readonly stuck: Set<object>;
  /** What nodes of each type take, milliseconds: a mean in which the last counts most. */
  readonly typicalRunMs: Map<AnyNodeDefinition, number>;
  /** What nodes took, for forecasts. */
  readonly costs: CostRecorder;
}

/** Told when the computation is over: with its result, or without one when it came to nothing. */
type Waiter = (result: CachedResult | undefined) => void;
export interface InFlight {
  waiters: Waiter[] | undefined;
}

type Summaries = Readonly<Record<string, OutputSummary>>;

/** A planned node during the run. */
interface Slot {
  readonly node: PlannedNode;
  state: SlotState;
  source: 'memory' | 'disk';
  /** Held while someone still needs it. */
  outputs: Outputs | undefined;
  summaries: Summaries;
  /** What became of a result that was there once, where that is known. */
  lost: 'damaged' | 'evicted' | undefined;
  /** The store has given its computation to this run. */
  isClaimed: boolean;
  /** When its inputs were there. */
  readyAtMs: number;
  /** When it last showed that it is alive, while it runs. */
  aliveAtMs: number;
  /** Nodes it still waits for. */
  waitingFor: number;
  /** Nodes that will run and need it; indices. */
  dependents: number[] | undefined;
  /** How many of them have not taken their input yet. */
  consumers: number;
  /** Later nodes that are the same computation. */
  twins: number[] | undefined;
  /** What it hands out while it is not over. */
  early: Outputs | undefined;
  /** Clips in that which it is making. */
  growing: readonly GrowingClip[];
  /** Of the dependents those that wait for its end all the same; all of them when undefined. */
  unmet: number[] | undefined;
  /** Nodes that are not over of which it took what they handed out: it counts only when they have ended well. */
  leaders: Set<Slot> | undefined;
  /** Nodes that took what it handed out, and are not over. */
  followers: Set<Slot> | undefined;
  /** When the last of its leaders ended well, so far; undefined when it has none. */
  ledUntilMs: number | undefined;
  /** Tells it to stop, while it runs. */
  abort: ((reason: unknown) => void) | undefined;
  /** Makes what it returned count, while that waits for its leaders. */
  count: (() => void) | undefined;
}

/** `held`: it has returned, and waits for nodes whose outputs it took before they were over. */
type SlotState =
  | 'unneeded'
  | 'needed'
  | 'cached'
  | 'waiting'
  | 'running'
  | 'held'
  | 'finished'
  | 'failed'
  | 'skipped';

/** A node at work. */
interface NodeWork {
  readonly context: RunContext;
  /** Those of the node, if it asked for any. */
  checkpoints(): NodeCheckpoints | undefined;
  /** The step of an interrupted run that it went on from. */
  continuedFrom(): number | undefined;
  /** Tells the node to stop, without ending the run. */
  abort(reason: unknown): void;
  /** Its reports go nowhere from now on. */
  close(): void;
}

/** A node that began and has not ended. */
interface ActiveNode {
  readonly slot: Slot;
  /** How long it may show no sign of life. */
  readonly stallMs: number;
  /** Resident memory when it was last looked at before the node began. */
  readonly restBytes: number;
  /** Most resident memory of the process in the samples taken while it ran; undefined before the first. */
  peakResidentBytes: number | undefined;
  /** Ends it as failed, whatever it does. */
  stall(): void;
}

/** Results that took this long are worth waiting for the disk. */
const worthSyncingMs = 100;
/** Nodes that end at once are run one after the other for at most this long before others get their turn. */
const sliceMs = 8;
/** Making room goes on until this share of the budget is left, so that not every run has to. */
const roomShare = 0.9;
/** What was used within this time is about to be read by someone, perhaps. */
const roomGraceMs = 60_000;
/** What typically takes no longer is quick. */
const quickMs = 20;
/** How much the newest time of a node type counts among those before it. */
const newestShare = 0.2;
/** How often memory is looked at. A quick node pays nothing for it, and has no figure. */
const memorySampleMs = 50;
/** How often a result that another process computes is asked for. */
const claimPollMs = 100;
/** Without a sign of life for this long a node counts as stuck. */
const defaultStallMs = 30 * 60 * 1000;

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
      lost: undefined,
      isClaimed: false,
      readyAtMs: 0,
      aliveAtMs: 0,
      waitingFor: 0,
      dependents: undefined,
      consumers: 0,
      twins: undefined,
      early: undefined,
      growing: [],
      unmet: undefined,
      leaders: undefined,
      followers: undefined,
      ledUntilMs: undefined,
      abort: undefined,
      count: undefined,
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

  const failures: NodeFailure[] = [];
  let hasSaved = false;
  /** What nodes were given, and the node that gave it first. */
  const makers = new WeakMap<object, Slot>();
  /** Small results that could not be kept. They are written together, so they fail together. */
  const lost: NodeFailure[] = [];
  let workflowJson: string | undefined;
  const saves = createSaveQueue();
  const costs = state.costs.open();
  let residentBytes = readResidentBytes();
  const models = plannedModels(state.options.models, plan.digests);
  const files = plannedFiles(state.options.files, plan.digests);
  const results = resultFiles(store);

  await findCached();
  if (!signal.aborted) await runNeeded();
  await saves.idle();
  history.save();
  store?.flush();
  if (lost[0] !== undefined) request.onWarning?.(lost[0]);
  const result = finish();
  const isWhole = result.status === 'succeeded';
  costs.end({ durationMs: result.durationMs, nowMs: clock.elapsed(), isWhole });
  if (hasSaved) await makeRoom();
  return result;

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
        slot.lost = cached.files.some((file) => store?.wasEvicted(file)) ? 'evicted' : 'damaged';
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
    const { key } = slot.node;
    if (key === undefined) return undefined;
    const found = memory.peek(key);
    if (found === undefined) return undefined;
    memory.touch(key);
    if (isOnDisk(slot.node)) store?.noteUsed(key);
    return found;
  }

  async function lookOnDisk(slot: Slot): Promise<CachedResult | undefined> {
    const { key, definition } = slot.node;
    if (store === undefined || key === undefined || !isOnDisk(slot.node)) return undefined;
    const loaded = await store.loadResult(key).catch(() => ({ status: 'missing' }) as const);
    if (loaded.status !== 'found') {
      slot.lost = loaded.status === 'damaged' ? 'damaged' : undefined;
      return undefined;
    }
    // Whole bytes may still hold what an older program meant by this port.
    const fits = Object.entries(definition.outputs).every(
      ([port, { type }]) => valueFault(type, loaded.outputs[port]) === undefined,
    );
    if (!fits) {
      slot.lost = 'damaged';
      return undefined;
    }
    const result = {
      outputs: loaded.outputs,
      summaries: summariesOf(slot.node, loaded.outputs),
      files: loaded.record.files,
    };
    memory.set(key, result, loaded.record.durationMs);
    slot.source = 'disk';
    return result;
  }

  function isOnDisk({ key, definition }: PlannedNode): boolean {
    return store !== undefined && key !== undefined && definition.cache === 'disk';
  }

  async function filesAreThere(files: readonly string[]): Promise<boolean> {
    return store === undefined || (await store.hasFiles(files).catch(() => false));
  }

  function announceCached(index: number): void {
    const slot = slotAt(index);
    const { id, key } = slot.node;
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
      const onDisk = isOnDisk(slot.node) ? peekOnDisk(store, slot.node) : undefined;
      if (onDisk !== undefined) announce('disk', onDisk);
      else emit({ type: 'node.skipped', nodeId: id, because: 'not needed: what it leads to is cached' });
    }
  }

  function runNeeded(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    /** Nodes whose inputs are there. */
    const ready = createQueue<Slot>();
    /** Nodes that wait for room in their lane, or for someone who computes the same. */
    const waiting = new Set<Slot>();
    const active = new Set<ActiveNode>();
    /** Nodes taken from `ready` that are not over. */
    let open = 0;
    let isPumping = false;
    /** A listener threw: nothing more begins. */
    let isBroken = false;
    let isYielding = false;
    const stallTimer = watchForStalls(active);
    const memoryTimer = setInterval(() => sampleMemory(active), memorySampleMs);
    signal.addEventListener('abort', onAbort, { once: true });

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
      if (slot.waitingFor === 0) becomeReady(slot);
    }
    for (const slot of slots) if (slot.consumers === 0) slot.outputs = undefined;
    pump();
    return promise.finally(() => {
      clearInterval(stallTimer);
      clearInterval(memoryTimer);
      signal.removeEventListener('abort', onAbort);
    });

    /** What is thrown here comes from a listener; its error belongs to whoever asked for the run. */
    function guarded(work: () => void): void {
      try {
        work();
      } catch (error) {
        broken(error);
      }
    }
    function broken(error: unknown): void {
      isBroken = true;
      dropWaiting();
      reject(error);
    }
    /** Nothing that waits will begin; what the store has given to this run is free for others. */
    function dropWaiting(): void {
      for (const slot of waiting) release(slot);
      open -= waiting.size;
      waiting.clear();
    }

    function pump(): void {
      if (isPumping || isYielding) return;
      isPumping = true;
      const sliceEnd = performance.now() + sliceMs;
      let begun = 0;
      while (!signal.aborted && !isBroken) {
        const slot = ready.take();
        if (slot === undefined) break;
        // Skipped since: a clip that it would have read could not be made.
        if (slot.state !== 'waiting') continue;
        open += 1;
        begun += 1;
        guarded(() => queueUp(slot));
        // A long chain of quick nodes must not keep a cancel, or a client, from being heard.
        if (begun % 32 === 0 && performance.now() > sliceEnd) {
          isYielding = true;
          setImmediate(() => {
            isYielding = false;
            pump();
          });
          break;
        }
      }
      isPumping = false;
      if (open === 0 && (!isYielding || signal.aborted)) resolve();
    }

    function onAbort(): void {
      dropWaiting();
      pump();
    }

    /** A node is over; those in `next` have one input more. */
    function over(next: readonly number[]): void {
      open -= 1;
      for (const dependent of next) {
        const slot = slotAt(dependent);
        slot.waitingFor -= 1;
        if (slot.waitingFor === 0 && slot.state === 'waiting') becomeReady(slot);
      }
      pump();
    }

    function becomeReady(slot: Slot): void {
      slot.readyAtMs = clock.elapsed();
      ready.push(slot);
    }

    /** A node gives outputs before it is over; those that may take them begin. */
    function handOut(slot: Slot, outputs: Outputs): void {
      if (slot.early !== undefined) return;
      slot.early = outputs;
      const unmet: number[] = [];
      for (const index of new Set(slot.dependents)) {
        const dependent = slotAt(index);
        const { definition, inputs } = dependent.node;
        for (const { port, from, output } of inputs) {
          if (slotAt(from) !== slot) continue;
          if (definition.growing?.includes(port) === true && output in outputs) dependent.waitingFor -= 1;
          else unmet.push(index);
        }
        if (dependent.waitingFor === 0 && dependent.state === 'waiting') becomeReady(dependent);
      }
      slot.unmet = unmet;
      pump();
    }

    /** A node is over that others may have followed; they end with it where it did not end well. */
    function endLead(slot: Slot, failure?: { readonly error: unknown }): void {
      const followers = [...(slot.followers ?? [])];
      for (const clip of slot.growing) clip.settle(failure);
      slot.growing = [];
      slot.early = undefined;
      slot.followers = undefined;
      unfollow(slot);
      if (failure !== undefined) {
        for (const follower of followers) giveUp(follower, failure.error);
        return;
      }
      for (const follower of followers) {
        follower.leaders?.delete(slot);
        const now = clock.elapsed();
        follower.ledUntilMs = now;
        follower.aliveAtMs = now;
        if (follower.leaders?.size === 0) follower.count?.();
      }
    }

    /** Ends a node that began with what then came to nothing. */
    function giveUp(slot: Slot, reason: unknown): void {
      if (slot.state === 'running' || slot.state === 'held') slot.state = 'skipped';
      unfollow(slot);
      slot.aliveAtMs = clock.elapsed();
      slot.abort?.(reason);
      if (slot.count !== undefined) dropHeld(slot, reason);
    }

    /** What it returned does not count. */
    function dropHeld(slot: Slot, reason: unknown): void {
      slot.count = undefined;
      endLead(slot, { error: reason });
      settle(slot, undefined);
      release(slot);
      over([]);
    }

    /** Those that were skipped do not begin, or end. */
    function endSkipped(skipped: readonly Slot[], reason: unknown): void {
      for (const slot of skipped) {
        if (waiting.delete(slot)) {
          open -= 1;
          release(slot);
        }
        giveUp(slot, reason);
      }
    }

    function queueUp(slot: Slot): void {
      waiting.add(slot);
      if (joinOther(slot)) return;
      // Who waits for frames that are being made takes no place of those whose inputs are whole.
      const isLed = slot.node.inputs.some(({ from }) => isAtWork(slotAt(from)));
      const lane = isLed && slot.node.definition.lane === 'cpu' ? ledLane : laneOf(slot.node);
      state.lanes.enter(lane, () => {
        // No longer waiting: the run was cancelled meanwhile.
        if (!waiting.delete(slot)) {
          state.lanes.leave(lane);
          return;
        }
        guarded(() => begin(slot, lane));
      });
    }

    /** Waits for a run in this process that is computing the same; false when none is. */
    function joinOther(slot: Slot): boolean {
      const { key } = slot.node;
      const other = key === undefined ? undefined : state.inFlight.get(key);
      if (other === undefined) return false;
      other.waiters ??= [];
      other.waiters.push((result) => {
        if (!waiting.delete(slot)) return;
        guarded(() => (result === undefined ? queueUp(slot) : deliver(slot, result, 'memory')));
      });
      tellWaiting(slot);
      return true;
    }

    /** It has a place in its lane; gives it back when someone else is computing the same. */
    function begin(slot: Slot, lane: string): void {
      const { key } = slot.node;
      if (key !== undefined) {
        if (state.inFlight.has(key)) {
          state.lanes.leave(lane);
          waiting.add(slot);
          joinOther(slot);
          return;
        }
        // Another run has finished it since this one looked.
        const found = memory.peek(key);
        if (found !== undefined) {
          state.lanes.leave(lane);
          waiting.add(slot);
          takeFromMemory(slot, key, found).catch(broken);
          return;
        }
        if (store !== undefined && isOnDisk(slot.node) && !slot.isClaimed && isWorthClaiming(slot.node)) {
          slot.isClaimed = store.claim(key);
          // Claimed, but there by now: whoever had it has just finished.
          if (!slot.isClaimed || store.hasRecord(key)) {
            state.lanes.leave(lane);
            waiting.add(slot);
            askOnDisk(slot, key, store).catch(broken);
            return;
          }
        }
        state.inFlight.set(key, { waiters: undefined });
      }
      runNode(slot, lane);
    }

    async function takeFromMemory(slot: Slot, key: string, found: CachedResult): Promise<void> {
      const isWhole = found.files.length === 0 || (await filesAreThere(found.files));
      if (!isWhole) memory.delete(key);
      if (!waiting.delete(slot)) return;
      if (isWhole) deliver(slot, found, 'memory');
      else queueUp(slot);
    }

    /** Asking whether another process is at it costs more than to do twice what is quick. */
    function isWorthClaiming({ definition }: PlannedNode): boolean {
      return (state.typicalRunMs.get(definition) ?? Number.POSITIVE_INFINITY) > quickMs;
    }

    /** Waits for what another process computes; computes it here when that process comes to nothing. */
    async function askOnDisk(slot: Slot, key: string, store: Store): Promise<void> {
      let isTold = false;
      while (waiting.has(slot)) {
        const found = store.hasRecord(key) ? await lookOnDisk(slot) : undefined;
        if (found !== undefined && (await filesAreThere(found.files))) {
          if (waiting.delete(slot)) deliver(slot, found, 'disk');
          else release(slot);
          return;
        }
        if (slot.isClaimed) {
          if (waiting.delete(slot)) queueUp(slot);
          else release(slot);
          return;
        }
        slot.isClaimed = store.claim(key);
        // Looked for once more: who gave the claim back has kept the result just before.
        if (slot.isClaimed) continue;
        if (!isTold) tellWaiting(slot);
        isTold = true;
        await new Promise((resolve) => setTimeout(resolve, claimPollMs));
      }
      release(slot);
    }

    function tellWaiting(slot: Slot): void {
      for (const { node } of [slot, ...(slot.twins ?? []).map(slotAt)])
        emit({ type: 'node.waiting', nodeId: node.id, for: 'another-run' });
    }

    /** Someone else has computed it. */
    function deliver(slot: Slot, result: CachedResult, source: 'memory' | 'disk'): void {
      release(slot);
      takeInputs(slot.node);
      slot.state = 'cached';
      slot.source = source;
      slot.summaries = result.summaries;
      if (slot.consumers > 0) slot.outputs = result.outputs;
      history.rememberCached(workflow.name, slot.node, plan.partsOf);
      for (const { node } of [slot, ...(slot.twins ?? []).map(slotAt)])
        emit({ type: 'node.cached', nodeId: node.id, source, outputs: slot.summaries });
      over(slot.dependents ?? []);
    }

    function runNode(slot: Slot, lane: string): void {
      const { node } = slot;
      slot.state = 'running';
      slot.aliveAtMs = clock.elapsed();
      const startedAtMs = slot.aliveAtMs;
      const shownLane = laneOf(node);
      /** Made by its leaders, whatever it hands on of them. */
      let ofOthers: ReadonlySet<GrowingClip> = new Set();
      const work = openContext(slot, (outputs) => {
        checkEarly(slot, outputs);
        const { definition } = node;
        slot.growing = growingIn(definition.outputs, outputs).filter((clip) => !ofOthers.has(clip));
        handOut(slot, outputs);
      });
      slot.abort = work.abort;
      let isOver = false;
      const entry: ActiveNode = {
        slot,
        stallMs: state.options.stallMs ?? defaultStallMs,
        restBytes: residentBytes,
        peakResidentBytes: undefined,
        stall() {
          const error = stalled(node, clock.elapsed() - slot.aliveAtMs);
          state.stuck.add(entry);
          work.abort(error);
          guarded(() => failed(error));
        },
      };
      /** Gives everything back; what comes after the first time is that of a node given up as stuck. */
      const close = (): boolean => {
        if (isOver) return false;
        isOver = true;
        slot.abort = undefined;
        work.close();
        active.delete(entry);
        costs.working(active.size, clock.elapsed());
        state.lanes.leave(lane);
        return true;
      };
      const failed = (error: unknown): void => {
        if (!close()) return;
        // Whatever a node throws once it was asked to stop: stopping is no failure.
        if (!signal.aborted && slot.state === 'running') guarded(() => failBy(error));
        const checkpoints = work.checkpoints();
        if (checkpoints !== undefined) saves.add(() => checkpoints.flush());
        endLead(slot, { error });
        settle(slot, undefined);
        release(slot);
        over([]);
      };
      const failBy = (error: unknown): void => {
        const maker = makerOf(error);
        // Frames of a node that is still at work are its own affair as long as it does not fail.
        const slotToBlame = maker === undefined || maker.state === 'running' ? slot : maker;
        const skipped = fail(slotToBlame, describeError(error), slot);
        if (slotToBlame.count !== undefined) dropHeld(slotToBlame, error);
        endSkipped(skipped, error);
      };
      const returned = (values: Readonly<Record<string, unknown>>): void => {
        if (isOver) return;
        let outputs: Outputs;
        try {
          // Also when the run was cancelled meanwhile: what is whole may have taken minutes and is kept.
          outputs = checkOutputs(node, values);
          if (slot.growing.some(({ whole }) => whole === undefined))
            throw new TypeError('A clip that was handed out is not whole.');
          if (hasGrown(slot) && !isLed(slot)) outputs = settledOutputs(node, outputs);
        } catch (error) {
          failed(error);
          return;
        }
        // One of its leaders has failed while it was ending.
        if (slot.state !== 'running') {
          failed(new Error('Its input came to nothing.'));
          return;
        }
        if (entry.peakResidentBytes !== undefined) sampleMemory([entry]);
        close();
        const durationMs = clock.elapsed() - startedAtMs;
        if (!isLed(slot)) {
          // What it took while its input was still being made says nothing of what it takes.
          finished(outputs, durationMs, durationMs - Math.max(0, (slot.ledUntilMs ?? 0) - startedAtMs));
          return;
        }
        slot.state = 'held';
        slot.count = () => {
          slot.count = undefined;
          finished(settledOutputs(node, outputs), durationMs, durationMs);
        };
        handOut(slot, outputs);
      };
      /** @param taughtMs of its time, what a forecast is to learn from */
      const finished = (outputs: Outputs, durationMs: number, taughtMs: number): void => {
        const result = { outputs, summaries: summariesOf(node, outputs), files: filesIn(outputs) };
        const { peakResidentBytes } = entry;
        const typicalMs = state.typicalRunMs.get(node.definition) ?? durationMs;
        state.typicalRunMs.set(node.definition, typicalMs + newestShare * (durationMs - typicalMs));
        slot.state = 'finished';
        slot.summaries = result.summaries;
        if (slot.consumers > 0) slot.outputs = result.outputs;
        const continued = work.continuedFrom();
        guarded(() => {
          emit({
            type: 'node.finished',
            nodeId: node.id,
            durationMs,
            outputs: slot.summaries,
            ...(continued === undefined ? {} : { continuedFrom: continued }),
            ...(peakResidentBytes === undefined ? {} : { peakResidentBytes }),
          });
          for (const twin of slot.twins ?? []) {
            const { id } = slotAt(twin).node;
            emit({ type: 'node.cached', nodeId: id, source: 'memory', outputs: slot.summaries });
          }
        });
        // What an interrupted run had done already says nothing of what the whole takes.
        if (continued === undefined) {
          costs.finished({
            node,
            plan,
            lane: shownLane,
            durationMs: taughtMs,
            inputs: feedsOf(node),
            summaries: slot.summaries,
            outputs: result.outputs,
            isKept: isOnDisk(node),
            restBytes: entry.restBytes,
            peakBytes: peakResidentBytes,
          });
        }
        keep(slot, result, durationMs, work.checkpoints());
        settle(slot, result);
        endLead(slot);
        over(slot.unmet ?? slot.dependents ?? []);
      };

      active.add(entry);
      costs.working(active.size, startedAtMs);
      let running: ReturnType<typeof node.definition.run>;
      try {
        const waitedMs = Math.round(startedAtMs - slot.readyAtMs);
        emit({
          type: 'node.started',
          nodeId: node.id,
          because: whyItRuns(slot),
          nodeType: node.definition.type,
          lane: shownLane,
          ...(waitedMs > 0 ? { waitedMs } : {}),
        });
      } catch (error) {
        close();
        settle(slot, undefined);
        release(slot);
        throw error;
      }
      try {
        follow(slot);
        const inputs = takeInputs(node);
        if (isLed(slot)) ofOthers = new Set(growingIn(node.definition.inputs, inputs));
        running = node.definition.run({ inputs, params: node.params, ctx: work.context });
      } catch (error) {
        failed(error);
        return;
      }
      // A value that is there already needs no turn of its own.
      if (!(running instanceof Promise)) returned(running);
      else
        running.then(
          (values) => {
            state.stuck.delete(entry);
            guarded(() => returned(values));
          },
          (error: unknown) => {
            state.stuck.delete(entry);
            guarded(() => failed(error));
          },
        );
    }
  }

  /** Ends nodes that have shown no sign of life for too long. */
  function watchForStalls(active: ReadonlySet<ActiveNode>): NodeJS.Timeout | undefined {
    const stallMs = state.options.stallMs ?? defaultStallMs;
    if (!Number.isFinite(stallMs)) return undefined;
    return setInterval(() => {
      // Who waits for frames that another node makes is as much alive as that one.
      for (const entry of [...active])
        if (!isLed(entry.slot) && clock.elapsed() - entry.slot.aliveAtMs >= entry.stallMs) entry.stall();
    }, stallMs / 8);
  }

  function sampleMemory(nodes: Iterable<ActiveNode>): void {
    let isRead = false;
    for (const node of nodes) {
      if (!isRead) residentBytes = readResidentBytes();
      isRead = true;
      node.peakResidentBytes = Math.max(node.peakResidentBytes ?? 0, residentBytes);
    }
  }

  function readResidentBytes(): number {
    return state.options.residentBytes?.() ?? process.memoryUsage.rss();
  }

  /** What arrives at each connected input, as people see it. */
  function feedsOf(node: PlannedNode): Record<string, OutputSummary | undefined> {
    return Object.fromEntries(
      node.inputs.map(({ port, from, output }) => [port, worker(from).summaries[output]]),
    );
  }

  /** The lane of a node: each device that inference runs on is one; what needs no inference runs beside them. */
  function laneOf({ definition, params, inputs }: PlannedNode): string {
    const { deviceOf } = state.options;
    if (definition.lane === 'cpu' || deviceOf === undefined) return definition.lane;
    const models = [
      ...Object.entries(definition.params).flatMap(([name, { kind }]) =>
        kind === 'model' ? [params[name]] : [],
      ),
      ...inputs.map(({ from, output }) => modelNameOf(slotAt(from).outputs?.[output])),
    ];
    const model = models.find((name) => typeof name === 'string' && name !== '');
    return model === undefined ? definition.lane : `${definition.lane}:${deviceOf(String(model))}`;
  }

  function whyItRuns({ node, lost }: Slot) {
    const { key } = node;
    const wasEvicted =
      lost === undefined &&
      key !== undefined &&
      (isOnDisk(node) ? store?.wasEvicted(key) === true : memory.wasEvicted(key));
    return history.explain(workflow.name, node, plan.partsOf, wasEvicted ? 'evicted' : lost);
  }

  /** The computation is over: tells those in this process who wait for it. */
  function settle({ node }: Slot, result: CachedResult | undefined): void {
    if (node.key === undefined) return;
    const waiters = state.inFlight.get(node.key)?.waiters;
    state.inFlight.delete(node.key);
    for (const waiter of waiters ?? []) waiter(result);
  }

  function release(slot: Slot): void {
    if (!slot.isClaimed || slot.node.key === undefined) return;
    slot.isClaimed = false;
    store?.release(slot.node.key);
  }

  /** Notes whose outputs it takes before they are over. */
  function follow(slot: Slot): void {
    for (const { from } of slot.node.inputs) {
      const leader = slotAt(from);
      if (!isAtWork(leader)) continue;
      slot.leaders ??= new Set();
      slot.leaders.add(leader);
      leader.followers ??= new Set();
      leader.followers.add(slot);
    }
  }

  function unfollow(slot: Slot): void {
    for (const leader of slot.leaders ?? []) leader.followers?.delete(slot);
    slot.leaders = undefined;
  }

  function takeInputs(node: PlannedNode): Record<string, unknown> {
    const inputs: Record<string, unknown> = {};
    for (const { port, from, output } of node.inputs) {
      const source = slotAt(from);
      const value = (source.outputs ?? source.early)?.[output];
      inputs[port] = value;
      if (typeof value === 'object' && value !== null && !makers.has(value)) makers.set(value, source);
      source.consumers -= 1;
      // The last one to take it: from here on only the cache keeps it, under its budget.
      if (source.consumers === 0) source.outputs = undefined;
    }
    return inputs;
  }

  function keep(
    slot: Slot,
    result: CachedResult,
    durationMs: number,
    checkpoints: NodeCheckpoints | undefined,
  ): void {
    const { node } = slot;
    const { key, definition } = node;
    if (key === undefined) return;
    memory.set(key, result, durationMs);
    history.remember(workflow.name, node, plan.partsOf);
    if (store === undefined || !isOnDisk(node)) {
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
            summaries: result.summaries,
            outputs: result.outputs,
          },
          {
            durable: durationMs >= worthSyncingMs,
            onLost: (error) => void lost.push({ ...describeError(error), nodeId: node.id }),
          },
        );
        hasSaved = true;
        await checkpoints?.discard();
      } catch (error) {
        // The value is in memory and the run goes on; only the next start will have to compute it again.
        request.onWarning?.({ ...describeError(error), nodeId: node.id });
        await checkpoints?.flush();
      } finally {
        release(slot);
      }
    });
  }

  /** Keeps the results on disk within their budget; a disk that refuses is tried again after the next run. */
  async function makeRoom(): Promise<void> {
    const { disk } = state.options;
    if (store === undefined || disk === undefined) return;
    const request = { limitBytes: disk.bytes, targetBytes: roomShare * disk.bytes, graceMs: roomGraceMs };
    await store.trim({ ...request, pinned: disk.pinned }).catch(() => undefined);
  }

  /** The node that gave the clip which could not be read; undefined when that is not what happened. */
  function makerOf(error: unknown): Slot | undefined {
    if (!(error instanceof ClipReadError)) return undefined;
    for (const clip of error.clips) {
      const maker = makers.get(clip);
      if (maker !== undefined) return maker;
    }
    return undefined;
  }

  /**
   * @param reader the node at work when it was found out: that of the slot, or one that read its frames
   * @returns those that are skipped for it
   */
  function fail(slot: Slot, error: RunError, reader: Slot): Slot[] {
    const skipped: Slot[] = [];
    // Of two nodes that read the same frames, one is the first to find out.
    const isKnown = slot.state === 'failed';
    slot.state = 'failed';
    if (slot !== reader && slot.node.key !== undefined) memory.delete(slot.node.key);
    for (const { node } of isKnown ? [] : [slot, ...(slot.twins ?? []).map(slotAt)]) {
      failures.push({ nodeId: node.id, ...error });
      emit({ type: 'node.failed', nodeId: node.id, error });
    }
    const behind = [...(slot.dependents ?? []).map(slotAt), ...(slot === reader ? [] : [reader])];
    for (const dependent of behind) {
      const isEnded = dependent.state === 'running' && (dependent === reader || isLedByNothing(dependent));
      const isHeld = dependent.state === 'held' && isLedByNothing(dependent);
      if (dependent.state !== 'waiting' && !isEnded && !isHeld) continue;
      dependent.state = 'skipped';
      skipped.push(dependent);
      for (const { node } of [dependent, ...(dependent.twins ?? []).map(slotAt)]) {
        emit({ type: 'node.skipped', nodeId: node.id, because: `it needs "${slot.node.id}", which failed` });
      }
      for (const next of dependent.dependents ?? []) behind.push(slotAt(next));
    }
    return skipped;
  }

  /** What a node may reach while it runs; afterwards its reports go nowhere. */
  function openContext(slot: Slot, handOut: RunContext['handOut']): NodeWork {
    const { node } = slot;
    const { media, encodePreview } = state.options;
    let open = true;
    let encoding = false;
    let nextPreviewAtMs = Number.NEGATIVE_INFINITY;
    let shownStep = -1;
    let checkpoints: NodeCheckpoints | undefined;
    let abort: AbortController | undefined;
    const onRunAbort = (): void => abort?.abort(signal.reason);
    const alive = (): void => {
      slot.aliveAtMs = clock.elapsed();
    };
    const meter = createProgressMeter(node.id, clock, emit);
    const { onPreview } = request;
    const context: RunContext = {
      runId,
      nodeId: node.id,
      // Its own, so that one node can be stopped; made when it is looked at, which most nodes never do.
      get signal() {
        if (abort === undefined) {
          abort = new AbortController();
          if (signal.aborted) onRunAbort();
          else signal.addEventListener('abort', onRunAbort, { once: true });
        }
        return abort.signal;
      },
      models,
      media,
      frames: state.frames,
      files,
      results,
      get checkpoints() {
        alive();
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
        alive();
        if (open) meter.update(update);
      },
      handOut(outputs) {
        alive();
        if (open) handOut(outputs);
      },
      preview(produce) {
        alive();
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
      abort(reason) {
        abort?.abort(reason);
      },
      close() {
        open = false;
        signal.removeEventListener('abort', onRunAbort);
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
    const [first] = status === 'cancelled' || status === 'succeeded' ? [] : failures;
    const error = first === undefined ? undefined : errorOf(first);
    emit({
      type: 'run.finished',
      status,
      durationMs,
      ...(error === undefined ? {} : { error }),
      ...(failures.length === 0 ? {} : { failures }),
    });
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
  for (const port of Object.keys(node.definition.outputs)) {
    checkOutput(node, port, returned[port]);
    outputs[port] = returned[port];
  }
  return outputs;
}

/** Of the declared outputs those that a node hands out before its end, once. */
function checkEarly({ node, early: before }: Slot, early: Outputs): void {
  if (before !== undefined)
    throw new EngineError(
      'engine/bad-output',
      `Node "${node.id}" (${node.definition.title}) has handed out outputs before; it may do so once.`,
    );
  for (const [port, value] of Object.entries(early)) checkOutput(node, port, value);
}

function checkOutput(node: PlannedNode, port: string, value: unknown): void {
  const { type, label } = node.definition.outputs[port] ?? { type: 'text', label: port };
  const fault = valueFault(type, value);
  if (fault === undefined) return;
  throw new EngineError(
    'engine/bad-output',
    `Node "${node.id}" (${node.definition.title}) gave no fitting ${type} at "${label}": ${fault}.`,
  );
}

/** It has begun and does not count yet. */
function isAtWork({ state }: Slot): boolean {
  return state === 'running' || state === 'held';
}

/** It took what a node handed out that then came to nothing. */
function isLedByNothing({ leaders }: Slot): boolean {
  for (const { state } of leaders ?? []) if (state === 'failed' || state === 'skipped') return true;
  return false;
}

/** Something that it took is still being made. */
function isLed({ leaders }: Slot): boolean {
  return leaders !== undefined && leaders.size > 0;
}

/** There are clips in what it gives that were still being made when it gave, or took, them. */
function hasGrown({ early, ledUntilMs }: Slot): boolean {
  return early !== undefined || ledUntilMs !== undefined;
}

/** Clips that are still being made in what ports were given. */
function growingIn(ports: AnyNodeDefinition['outputs'], values: Outputs): GrowingClip[] {
  return Object.entries(values).flatMap(([port, value]) =>
    ports[port]?.type === 'frames' ? growingClips(value as Frames) : [],
  );
}

/** The outputs with what growing clips have become. @throws TypeError when one of them is not whole */
function settledOutputs(node: PlannedNode, outputs: Outputs): Outputs {
  const settled: Record<string, unknown> = {};
  for (const [port, value] of Object.entries(outputs)) {
    const isClip = node.definition.outputs[port]?.type === 'frames';
    settled[port] = isClip ? settledClip(value as Frames) : value;
  }
  return settled;
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

function errorOf({ nodeId: _, ...error }: NodeFailure): RunError {
  return error;
}

/** Name of the model that a value is, or was made for. */
function modelNameOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('model' in value && typeof value.model === 'string') return value.model;
  return 'family' in value && 'name' in value && typeof value.name === 'string' ? value.name : undefined;
}

function stalled(node: PlannedNode, silentMs: number): EngineError {
  const time =
    silentMs < 120_000 ? `${Math.round(silentMs / 1000)} s` : `${Math.round(silentMs / 60_000)} min`;
  return new EngineError(
    'engine/stalled',
    `Node "${node.id}" (${node.definition.title}) has shown no sign of life for ${time} and was given up.`,
    'Run again. If it stops at the same place, use a smaller size or fewer frames, or allow more time for it.',
  );
}
