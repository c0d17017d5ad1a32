/**
 * What the queue should do, told again in the plainest way: lists of names instead of ranks, and a count of attempts.
 * The simulator holds every commit of the real one against it.
 */
import { type EndStatus, type JournalEvent, type MoveTarget, maxDeaths } from '@reelgraph/graph';

/** A promise of the queue that was not kept. */
export class BrokenPromise extends Error {
  override readonly name = 'BrokenPromise';
}

interface Place {
  readonly runId: string;
  readonly priority: number;
}

/** How a run fared: the furthest it came, and deaths of its runner since. */
interface Luck {
  readonly best: number;
  readonly inVain: number;
}

export interface QueueModel {
  readonly isPaused: boolean;
  /** In the order they are to be begun. */
  readonly order: readonly Place[];
  readonly assigned: (Place & { readonly attempt: number; readonly nodes: number }) | undefined;
  readonly ended: ReadonlyMap<string, EndStatus>;
  readonly luck: ReadonlyMap<string, Luck>;
}

export const emptyModel: QueueModel = {
  isPaused: false,
  order: [],
  assigned: undefined,
  ended: new Map(),
  luck: new Map(),
};

/** What the model asks of the world around the queue. */
export interface Witness {
  /** Whether the runner really ended this attempt, and all its files are there. */
  isComplete(runId: string, attempt: number): boolean;
  /** What the person at work has asked to be moved, once. */
  takeMove(): { readonly runId: string; readonly target: MoveTarget } | undefined;
}

const stepsPerNode = 100;

/** The model after what was journaled. @throws BrokenPromise when that must not happen */
export function follow(model: QueueModel, events: readonly JournalEvent[], witness: Witness): QueueModel {
  let hasMoved = false;
  let now = model;
  for (const event of events) {
    if (event.type === 'run.moved') {
      if (hasMoved) continue;
      hasMoved = true;
      const wish = witness.takeMove();
      if (wish === undefined) throw new BrokenPromise(`${event.runId} moved, and nobody asked for it`);
      now = moved(now, wish.runId, wish.target);
    } else now = followOne(now, event, witness);
  }
  return now;
}

function followOne(model: QueueModel, event: JournalEvent, witness: Witness): QueueModel {
  const { assigned, order } = model;
  const expectAssigned = (runId: string) => {
    if (assigned?.runId !== runId) throw new BrokenPromise(`${event.type} of ${runId}, which is not at work`);
    return assigned;
  };
  switch (event.type) {
    case 'queue.paused':
      return { ...model, isPaused: true };
    case 'queue.resumed':
      return { ...model, isPaused: false };
    case 'run.queued': {
      const { runId, priority = 0 } = event;
      if (isKnown(model, runId)) throw new BrokenPromise(`${runId} was taken in twice`);
      return { ...model, order: withLast(order, { runId, priority }) };
    }
    case 'run.assigned': {
      const [first] = order;
      const { runId, attempt } = event;
      if (model.isPaused) throw new BrokenPromise(`${runId} was begun while the queue was paused`);
      if (assigned !== undefined) throw new BrokenPromise(`${runId} was begun beside ${assigned.runId}`);
      if (first?.runId !== runId) throw new BrokenPromise(`${runId} was begun before ${first?.runId}`);
      if ((model.luck.get(runId)?.inVain ?? 0) >= maxDeaths.runner)
        throw new BrokenPromise(`${runId} was begun once more than it may be`);
      return { ...model, order: order.slice(1), assigned: { ...first, attempt, nodes: 0 } };
    }
    case 'node.finished':
      return { ...model, assigned: { ...expectAssigned(event.runId), nodes: (assigned?.nodes ?? 0) + 1 } };
    case 'run.released':
      return { ...model, assigned: undefined, order: withFirst(order, expectAssigned(event.runId)) };
    case 'run.interrupted': {
      const run = expectAssigned(event.runId);
      const { best, inVain } = model.luck.get(run.runId) ?? { best: 0, inVain: 0 };
      const reached = run.nodes * stepsPerNode + (event.step ?? 0);
      const luck = {
        best: Math.max(best, reached),
        inVain: (reached > best ? 0 : inVain) + (event.by === 'runner' ? 1 : 0),
      };
      return {
        ...model,
        assigned: undefined,
        order: withFirst(order, run),
        luck: new Map(model.luck).set(run.runId, luck),
      };
    }
    case 'run.finished': {
      const { runId, status } = event;
      if (model.ended.has(runId)) throw new BrokenPromise(`${runId} ended twice`);
      if (!isKnown(model, runId)) throw new BrokenPromise(`${runId} ended and was never taken in`);
      if (status === 'succeeded' && !witness.isComplete(runId, expectAssigned(runId).attempt))
        throw new BrokenPromise(`${runId} is said to have finished, and its files are not there`);
      return {
        ...model,
        assigned: assigned?.runId === runId ? undefined : assigned,
        order: order.filter((place) => place.runId !== runId),
        ended: new Map(model.ended).set(runId, status),
      };
    }
    default:
      return model;
  }
}

export function isKnown({ order, assigned, ended }: QueueModel, runId: string): boolean {
  return ended.has(runId) || assigned?.runId === runId || order.some((place) => place.runId === runId);
}

/** The last of its priority. */
function withLast(order: readonly Place[], place: Place): Place[] {
  const at = order.findLastIndex(({ priority }) => priority >= place.priority) + 1;
  return order.toSpliced(at, 0, place);
}

/** The first of its priority. */
function withFirst(order: readonly Place[], { runId, priority }: Place): Place[] {
  const at = order.findIndex((other) => other.priority <= priority);
  return order.toSpliced(at < 0 ? order.length : at, 0, { runId, priority });
}

/** The order after a move; the same when the move cannot be made. */
export function moved(model: QueueModel, runId: string, target: MoveTarget): QueueModel {
  const { order } = model;
  const place = order.find((other) => other.runId === runId);
  if (place === undefined) return model;
  const others = order.filter((other) => other !== place);
  if ('priority' in target) {
    if (target.priority === place.priority) return model;
    return { ...model, order: withLast(others, { runId, priority: target.priority }) };
  }
  if ('to' in target)
    return { ...model, order: target.to === 'front' ? withFirst(others, place) : withLast(others, place) };
  const beside = 'before' in target ? target.before : target.after;
  const at = others.findIndex((other) => other.runId === beside);
  const found = others[at];
  if (found === undefined) return model;
  const index = 'after' in target ? at + 1 : at;
  return { ...model, order: others.toSpliced(index, 0, { runId, priority: found.priority }) };
}
