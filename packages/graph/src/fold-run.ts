/** Folds the events of a run into its picture: one definition for server, editor and command line. */
import type { NodeRunState, RunEvent, RunState } from './run-events.ts';

/**
 * The picture after one more event; neither argument is changed.
 *
 * Events that are not newer than the picture are ignored, so a reconnecting client may be sent some twice. A
 * gap is no error: progress is dropped where nobody would see it.
 */
export function reduceRun(state: RunState | undefined, event: RunEvent): RunState {
  return reduceRunEvents(state, [event]) ?? emptyRun(event.runId);
}

/** `reduceRun` over many events, copying the picture once. Events of other runs are ignored. */
export function reduceRunEvents(
  state: RunState | undefined,
  events: Iterable<RunEvent>,
): RunState | undefined {
  let draft: Draft | undefined;
  for (const event of events) {
    const runId = draft?.runId ?? state?.runId ?? event.runId;
    const lastSeq = draft?.lastSeq ?? state?.lastSeq ?? 0;
    if (event.runId !== runId || event.seq <= lastSeq) continue;
    draft ??= { ...(state ?? emptyRun(runId)), nodes: { ...state?.nodes } };
    apply(draft, event);
  }
  return draft ?? state;
}

type Draft = { -readonly [K in keyof RunState]: RunState[K] };

function emptyRun(runId: string): RunState {
  return { runId, workflowName: '', status: 'queued', lastSeq: 0, nodes: {} };
}

function apply(draft: Draft, event: RunEvent): void {
  draft.lastSeq = event.seq;
  switch (event.type) {
    case 'run.queued':
      draft.workflowName = event.workflowName;
      draft.status = 'queued';
      draft.queuedAtMs = event.atMs;
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
        ...(event.because === undefined ? {} : { because: event.because }),
      };
      return;
    case 'node.progress': {
      const { step, totalSteps, secondsPerStep, etaSeconds, message } = event;
      const before = draft.nodes[event.nodeId];
      draft.nodes[event.nodeId] = {
        status: 'running',
        ...(before?.because === undefined ? {} : { because: before.because }),
        step,
        totalSteps,
        ...(secondsPerStep === undefined ? {} : { secondsPerStep }),
        ...(etaSeconds === undefined ? {} : { etaSeconds }),
        ...(message === undefined ? {} : { message }),
      };
      return;
    }
    case 'node.cached':
      draft.nodes[event.nodeId] = { status: 'cached', source: event.source, outputs: event.outputs };
      return;
    case 'node.finished': {
      const because = draft.nodes[event.nodeId]?.because;
      draft.nodes[event.nodeId] = {
        status: 'finished',
        durationMs: event.durationMs,
        outputs: event.outputs,
        ...(because === undefined ? {} : { because }),
      };
      return;
    }
    case 'node.failed':
      draft.nodes[event.nodeId] = { status: 'failed', error: event.error };
      return;
    case 'node.skipped':
      draft.nodes[event.nodeId] = { status: 'skipped', message: event.because };
      return;
    case 'run.finished':
      draft.status = event.status;
      draft.finishedAtMs = event.atMs;
      if (event.error !== undefined) draft.error = event.error;
      // Whatever had not ended will not any more: a cancelled step, a node behind it.
      for (const [id, node] of Object.entries(draft.nodes)) {
        if (node.status === 'running' || node.status === 'waiting') draft.nodes[id] = { status: 'skipped' };
      }
      return;
  }
}
