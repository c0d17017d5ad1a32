/** Folds the events of a run into its picture: one definition for server, editor and command line. */
import type { NodeFailure, NodeRunState, RunEvent, RunState } from './run-events.ts';

/** The picture of one run, held by whoever follows it and changed in place: an event costs what it says. */
export interface RunFold {
  /**
   * Takes in one more event; false when it changed nothing, being not newer than the picture or of another run. A
   * reconnecting client may be sent some events twice. A gap is no error: progress is dropped where nobody would
   * see it.
   */
  apply(event: RunEvent): boolean;
  /** The picture as it is now. The next event changes it: read it at once, or take a `snapshot`. */
  readonly state: RunState;
  /** The picture as it is now, which no later event changes. Costs as much as the run has nodes. */
  snapshot(): RunState;
}

/** Goes on from a picture, which stays as it is, or begins with the first event of a run. */
export function createRunFold(initial: RunState | RunEvent): RunFold {
  const state: Draft = 'type' in initial ? emptyRun(initial.runId) : copyOf(initial);
  const fold: RunFold = {
    state,
    apply(event) {
      if (event.runId !== state.runId || event.seq <= state.lastSeq) return false;
      apply(state, event);
      return true;
    },
    snapshot: () => copyOf(state),
  };
  if ('type' in initial) fold.apply(initial);
  return fold;
}

/** The picture after one more event; neither argument is changed. Copies the picture: for many events hold a `RunFold`. */
export function reduceRun(state: RunState | undefined, event: RunEvent): RunState {
  return reduceRunEvents(state, [event]) ?? emptyRun(event.runId);
}

/** `reduceRun` over many events, copying the picture once. Events of other runs are ignored. */
export function reduceRunEvents(
  state: RunState | undefined,
  events: Iterable<RunEvent>,
): RunState | undefined {
  let fold: RunFold | undefined;
  for (const event of events) {
    if (fold !== undefined) fold.apply(event);
    else if (state === undefined || (event.runId === state.runId && event.seq > state.lastSeq)) {
      fold = createRunFold(state ?? event);
      fold.apply(event);
    }
  }
  return fold?.state ?? state;
}

const waitingForAnotherRun = 'waiting for another run';

/** Enough to see that it was always the same. */
const keptInterruptions = 5;

type Draft = { -readonly [K in keyof RunState]: RunState[K] };

function emptyRun(runId: string): RunState {
  return { runId, workflowName: '', status: 'queued', lastSeq: 0, nodes: {} };
}

/** A node's own picture is replaced and never changed, so the copy may share it. */
function copyOf(state: RunState): Draft {
  return { ...state, nodes: { ...state.nodes } };
}

function setPriority(draft: Draft, priority: number): void {
  if (priority === 0) delete draft.priority;
  else draft.priority = priority;
}

/** Who cancels a run ended it: what an interruption left undone did not fail, it is not done. */
function forgetInterruptedNodes(draft: Draft): void {
  const errors = (draft.interruptions ?? []).map(({ error }) => `${error.code} ${error.message}`);
  for (const [id, { status, error }] of Object.entries(draft.nodes)) {
    if (status === 'failed' && error !== undefined && errors.includes(`${error.code} ${error.message}`))
      draft.nodes[id] = { status: 'skipped' };
  }
}

type Beginning = Pick<NodeRunState, 'because' | 'lane' | 'waitedMs'>;

/** What is known of a node since it began, and stays true however it ends. */
function beginningOf(node: Beginning | undefined): Beginning {
  const { because, lane, waitedMs } = node ?? {};
  return {
    ...(because === undefined ? {} : { because }),
    ...(lane === undefined ? {} : { lane }),
    ...(waitedMs === undefined ? {} : { waitedMs }),
  };
}

function apply(draft: Draft, event: RunEvent): void {
  draft.lastSeq = event.seq;
  switch (event.type) {
    case 'run.queued':
      draft.workflowName = event.workflowName;
      draft.status = 'queued';
      draft.queuedAtMs = event.atMs;
      setPriority(draft, event.priority ?? 0);
      if (event.from !== undefined) draft.from = event.from;
      return;
    case 'run.moved':
      setPriority(draft, event.priority);
      return;
    case 'run.assigned':
      draft.status = 'running';
      draft.attempt = event.attempt;
      return;
    case 'run.cancel-requested':
      draft.isCancelling = true;
      return;
    case 'run.released':
      draft.status = 'queued';
      delete draft.startedAtMs;
      return;
    case 'run.interrupted':
      draft.status = 'queued';
      delete draft.startedAtMs;
      draft.interruptions = [...(draft.interruptions ?? []), { atMs: event.atMs, error: event.error }].slice(
        -keptInterruptions,
      );
      for (const [id, node] of Object.entries(draft.nodes)) {
        if (node.status !== 'running') continue;
        draft.nodes[id] = { status: 'failed', error: event.error, ...beginningOf(node) };
      }
      return;
    case 'run.started':
      draft.status = 'running';
      draft.startedAtMs = event.atMs;
      draft.nodes = Object.fromEntries(
        event.nodeIds.map((id): [string, NodeRunState] => [id, { status: 'waiting' }]),
      );
      return;
    case 'node.started':
      draft.nodes[event.nodeId] = {
        status: 'running',
        ...beginningOf(event),
      };
      return;
    case 'node.waiting':
      draft.nodes[event.nodeId] = { status: 'waiting', message: waitingForAnotherRun };
      return;
    case 'node.progress': {
      const { step, totalSteps, secondsPerStep, etaSeconds, message, continuedFrom } = event;
      const before = draft.nodes[event.nodeId];
      draft.nodes[event.nodeId] = {
        status: 'running',
        ...beginningOf(before),
        step,
        totalSteps,
        ...(secondsPerStep === undefined ? {} : { secondsPerStep }),
        ...(etaSeconds === undefined ? {} : { etaSeconds }),
        ...(message === undefined ? {} : { message }),
        ...(continuedFrom === undefined ? {} : { continuedFrom }),
      };
      return;
    }
    case 'node.cached':
      draft.nodes[event.nodeId] = { status: 'cached', source: event.source, outputs: event.outputs };
      return;
    case 'node.finished': {
      const { continuedFrom, peakResidentBytes } = event;
      draft.nodes[event.nodeId] = {
        status: 'finished',
        durationMs: event.durationMs,
        outputs: event.outputs,
        ...beginningOf(draft.nodes[event.nodeId]),
        ...(continuedFrom === undefined ? {} : { continuedFrom }),
        ...(peakResidentBytes === undefined ? {} : { peakResidentBytes }),
      };
      return;
    }
    case 'node.failed': {
      draft.nodes[event.nodeId] = {
        status: 'failed',
        error: event.error,
        ...beginningOf(draft.nodes[event.nodeId]),
      };
      return;
    }
    case 'node.skipped':
      draft.nodes[event.nodeId] = { status: 'skipped', message: event.because };
      return;
    case 'run.finished':
      draft.status = event.status;
      draft.finishedAtMs = event.atMs;
      delete draft.isCancelling;
      // Of an attempt that did not come to its own end only this tells the time; a run that waited again has none.
      if (draft.interruptions !== undefined && event.durationMs > 0)
        draft.startedAtMs ??= event.atMs - event.durationMs;
      if (event.status === 'cancelled') forgetInterruptedNodes(draft);
      if (event.error !== undefined) draft.error = event.error;
      // Whatever had not ended will not any more: a cancelled step, a node behind it.
      for (const [id, node] of Object.entries(draft.nodes)) {
        if (node.status === 'running' || node.status === 'waiting') draft.nodes[id] = { status: 'skipped' };
      }
      return;
  }
}

/** Every node of a run that failed, with what it failed of; in the order of the nodes. */
export function failuresOf({ nodes }: Pick<RunState, 'nodes'>): NodeFailure[] {
  return Object.entries(nodes).flatMap(([nodeId, { status, error }]) =>
    status === 'failed' && error !== undefined ? [{ nodeId, ...error }] : [],
  );
}
