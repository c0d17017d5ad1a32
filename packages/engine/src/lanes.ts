/**
 * Who may work at the same time. A lane has room for so many nodes and lets the others in as they came. Lanes are
 * those of the engine and not of a run: two runs share the one device.
 */
export interface Lanes {
  /** Calls `start` when the lane has room, at once where it has. It must not throw; `leave` gives the place back. */
  enter(lane: string, start: () => void): void;
  leave(lane: string): void;
}

/** Of nodes that need no inference and read what another is still making: for the most part they wait. */
export const ledLane = 'cpu led';

interface LaneState {
  active: number;
  readonly waiting: Queue<() => void>;
  isLettingIn: boolean;
}

/** @param roomOf how many nodes a lane takes at once, at least 1 */
export function createLanes(roomOf: (lane: string) => number): Lanes {
  const lanes = new Map<string, LaneState>();
  const stateOf = (lane: string): LaneState => {
    const known = lanes.get(lane);
    if (known !== undefined) return known;
    const made: LaneState = { active: 0, waiting: createQueue(), isLettingIn: false };
    lanes.set(lane, made);
    return made;
  };
  /** A loop and no recursion: those let in may be over before they return. */
  const letIn = (lane: string, state: LaneState): void => {
    if (state.isLettingIn) return;
    state.isLettingIn = true;
    while (state.active < roomOf(lane)) {
      const start = state.waiting.take();
      if (start === undefined) break;
      state.active += 1;
      start();
    }
    state.isLettingIn = false;
  };
  return {
    enter(lane, start) {
      const state = stateOf(lane);
      state.waiting.push(start);
      letIn(lane, state);
    },
    leave(lane) {
      const state = stateOf(lane);
      state.active -= 1;
      letIn(lane, state);
    },
  };
}

export interface Queue<T> {
  push(item: T): void;
  take(): T | undefined;
}

/** First in, first out; taking is constant time, which `Array.shift` is not. */
export function createQueue<T>(): Queue<T> {
  let items: T[] = [];
  let next = 0;
  return {
    push: (item) => void items.push(item),
    take() {
      if (next === items.length) {
        if (next > 0) items = [];
        next = 0;
        return undefined;
      }
      const item = items[next];
      next += 1;
      return item;
    },
  };
}
