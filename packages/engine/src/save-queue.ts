/** Writes results beside the run, a few at a time. */
import { createQueue } from './lanes.ts';

export interface SaveQueue {
  /** `save` must not reject. */
  add(save: () => Promise<void>): void;
  idle(): Promise<void>;
}

/** Results written at the same time; more only compete for one disk. */
const savesAtOnce = 2;

export function createSaveQueue(): SaveQueue {
  const waiting = createQueue<() => Promise<void>>();
  let active = 0;
  let onIdle: (() => void) | undefined;
  const work = async (): Promise<void> => {
    active += 1;
    for (let save = waiting.take(); save !== undefined; save = waiting.take()) await save();
    active -= 1;
    if (active === 0) onIdle?.();
  };
  return {
    add(save) {
      waiting.push(save);
      if (active < savesAtOnce) void work();
    },
    idle: () =>
      active === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            onIdle = resolve;
          }),
  };
}
