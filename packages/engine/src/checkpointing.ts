/**
 * Checkpoints of one node at work: saved as it goes, beside it, and for a small share of its time. The node
 * offers its state after every step; what is saved is the newest offer whenever there is time, one at a time.
 */
import type { RunError } from '@reelgraph/graph';
import type { Checkpoints } from '@reelgraph/node-api';
import type { CheckpointStore } from '@reelgraph/store';
import type { Clock } from './engine-types.ts';
import { describeError } from './errors.ts';

/** Copying and encoding happen in the thread that steps: at most this share of the node's time. */
const saveShare = 0.02;
/** Saves that are made whatever they cost: of fewer nobody can tell what copying takes from what took another's turn. */
const trialSaves = 3;

export interface NodeCheckpointOptions {
  /** Absent where there is no disk. */
  readonly store: CheckpointStore | undefined;
  /** The node's cache key; undefined when the result is not kept, and then no checkpoint is either. */
  readonly key: string | undefined;
  readonly clock: Clock;
  readonly warn: (warning: RunError) => void;
  /** The node goes on from the state after this step. */
  readonly onContinued: (step: number) => void;
}

export interface NodeCheckpoints {
  readonly service: Checkpoints;
  /** The node was interrupted: takes no more offers and resolves when the newest is on the disk. */
  flush(): Promise<void>;
  /** The result is kept: takes no more offers and resolves when nothing is left of them. */
  discard(): Promise<void>;
}

interface Offer {
  readonly step: number;
  readonly produce: () => unknown;
}

export function openCheckpoints(options: NodeCheckpointOptions): NodeCheckpoints {
  const { key, clock, warn, onContinued } = options;
  const store = key === undefined ? undefined : options.store;
  let isOpen = true;
  let waiting: Offer | undefined;
  let saving: Promise<void> | undefined;
  let beganAtMs = Number.NEGATIVE_INFINITY;
  /** What copying takes: the state is as large each time, and whatever took longer was another's turn. */
  let copyingMs = Number.POSITIVE_INFINITY;
  let savesBegun = 0;
  let flushing: Promise<void> | undefined;
  let isUnflushed = false;
  let pruning: Promise<void> | undefined;
  let hasFile = false;
  let hasWarned = false;

  /** Begins the newest save that waits, unless one is at work. */
  const pump = (): void => {
    if (saving !== undefined || waiting === undefined) return;
    saving = saveNewest().finally(() => {
      saving = undefined;
      if (isOpen && mayBegin()) pump();
    });
  };
  const mayBegin = (): boolean =>
    savesBegun < trialSaves || saveShare * (clock.elapsed() - beganAtMs) >= copyingMs;

  async function saveNewest(): Promise<void> {
    // A turn later: by then the node has sent off its next step, and the state is copied beside it.
    await new Promise(setImmediate);
    const offer = waiting;
    waiting = undefined;
    if (offer === undefined || store === undefined || key === undefined) return;
    beganAtMs = clock.elapsed();
    savesBegun += 1;
    try {
      const isFirst = !hasFile;
      const written = store.save(key, { step: offer.step, state: offer.produce() });
      hasFile = true;
      copyingMs = Math.min(copyingMs, clock.elapsed() - beganAtMs);
      await written;
      isUnflushed = true;
      // Both beside the next save, which need not wait for them.
      flushNewest();
      if (isFirst) pruning = store.prune();
    } catch (error) {
      warnOnce(error);
    }
  }

  /** Asks the disk to take what is saved, and again for as long as it took so long that there is a newer one. */
  function flushNewest(): void {
    if (flushing !== undefined || !isUnflushed || store === undefined || key === undefined) return;
    isUnflushed = false;
    flushing = store
      .flush(key)
      .catch(warnOnce)
      .finally(() => {
        flushing = undefined;
        flushNewest();
      });
  }

  /** Only the next interruption will cost more. Once is enough to say: the reason rarely changes. */
  function warnOnce(error: unknown): void {
    if (!hasWarned) warn(describeError(error));
    hasWarned = true;
  }

  /** When nothing is under way any more; nothing new begins meanwhile. */
  async function settled(): Promise<void> {
    await saving;
    while (flushing !== undefined) await flushing;
    await pruning;
  }

  const service: Checkpoints = {
    async load(read) {
      if (store === undefined || key === undefined) return undefined;
      try {
        const found = await store.load(key);
        if (found.status === 'missing') return undefined;
        const state = found.status === 'found' ? read(found.state) : undefined;
        if (found.status === 'found' && state !== undefined) {
          hasFile = true;
          onContinued(found.step);
          return { step: found.step, state };
        }
        warn(unusable);
        await store.remove(key);
      } catch (error) {
        warn(describeError(error));
      }
      return undefined;
    },
    save(step, produce) {
      if (!isOpen || store === undefined) return;
      waiting = { step, produce };
      if (mayBegin()) pump();
    },
  };

  return {
    service,
    async flush() {
      isOpen = false;
      await saving;
      pump();
      await settled();
    },
    async discard() {
      isOpen = false;
      waiting = undefined;
      await settled();
      if (!hasFile || store === undefined || key === undefined) return;
      // What cannot be removed now is pruned some day.
      await store.remove(key).catch(() => undefined);
    },
  };
}

const unusable: RunError = {
  code: 'store/checkpoint-unusable',
  message: 'What an interrupted run had saved is damaged or does not fit, so the work begins again.',
};
