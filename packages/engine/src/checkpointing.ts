/**
 * Checkpoints of one node at work. The node offers its state after every step, and a save begins at once; what the
 * node is given back holds the end of its next step until this one is safe, so that no more than one is done twice.
 */
import type { RunError } from '@reelgraph/graph';
import type { Checkpoints } from '@reelgraph/node-api';
import type { CheckpointStore } from '@reelgraph/store';
import type { Clock } from './engine-types.ts';
import { describeError } from './errors.ts';

/**
 * What saving may take of a thread beside the one that steps. Of steps that are shorter than ten saves some are left
 * out: the work is done again sooner than it is saved.
 */
const saveShare = 0.1;
/** Saves that are made whatever they cost: the first ones run code that is not compiled yet, or take another's turn. */
const trialSaves = 10;

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
  const { key, store, clock, warn, onContinued } = options;
  const slots = key === undefined ? undefined : store?.open(key);
  let isOpen = true;
  let waiting: Offer | undefined;
  let saving: Promise<void> | undefined;
  let firstOfferAtMs: number | undefined;
  /** Of a save in the thread of the node: the state is as large each time, whatever took longer was another's turn. */
  let copyingMs = Number.POSITIVE_INFINITY;
  let savesBegun = 0;
  let flushing: Promise<void> | undefined;
  let isUnflushed = false;
  let pruning: Promise<void> | undefined;
  let hasFile = false;
  let hasWarned = false;

  /** Over all the time: of two steps that are heard of late and together, both are saved. */
  const mayBegin = (): boolean => {
    const sinceFirstMs = clock.elapsed() - (firstOfferAtMs ?? 0);
    return savesBegun < trialSaves || saveShare * sinceFirstMs >= (savesBegun - trialSaves) * copyingMs;
  };

  /** Resolves when what waits is saved, or is given up. */
  function saveWaiting(): Promise<void> {
    if (saving === undefined && waiting !== undefined) saving = saveInTurn();
    return saving ?? Promise.resolve();
  }

  /** One at a time. What was offered meanwhile comes next, the newest of it. */
  async function saveInTurn(): Promise<void> {
    for (let offer = takeWaiting(); offer !== undefined; offer = takeWaiting()) await saveOne(offer);
    saving = undefined;
  }

  function takeWaiting(): Offer | undefined {
    const offer = waiting;
    waiting = undefined;
    return offer;
  }

  async function saveOne({ step, produce }: Offer): Promise<void> {
    if (slots === undefined) return;
    const beganAtMs = clock.elapsed();
    savesBegun += 1;
    try {
      const isFirst = !hasFile;
      const written = slots.save({ step, state: produce() });
      hasFile = true;
      copyingMs = Math.min(copyingMs, clock.elapsed() - beganAtMs);
      await written;
      isUnflushed = true;
      // Both beside the next step, which need not wait for them.
      flushNewest();
      if (isFirst) pruning = store?.prune();
    } catch (error) {
      warnOnce(error);
    }
  }

  /** Asks the disk to take what is saved, and again for as long as it took so long that there is a newer one. */
  function flushNewest(): void {
    if (flushing !== undefined || !isUnflushed || slots === undefined) return;
    isUnflushed = false;
    flushing = slots
      .flush()
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
      if (slots === undefined) return undefined;
      try {
        const found = await slots.load();
        if (found.status === 'missing') return undefined;
        const state = found.status === 'found' ? read(found.state) : undefined;
        if (found.status === 'found' && state !== undefined) {
          hasFile = true;
          onContinued(found.step);
          return { step: found.step, state };
        }
        warn(unusable);
        await slots.remove();
      } catch (error) {
        warn(describeError(error));
      }
      return undefined;
    },
    save(step, produce) {
      if (!isOpen || slots === undefined) return Promise.resolve();
      waiting = { step, produce };
      firstOfferAtMs ??= clock.elapsed();
      return mayBegin() ? saveWaiting() : Promise.resolve();
    },
  };

  return {
    service,
    async flush() {
      isOpen = false;
      await saveWaiting();
      await settled();
    },
    async discard() {
      isOpen = false;
      waiting = undefined;
      await settled();
      if (!hasFile) return;
      // What cannot be removed now is pruned some day.
      await slots?.remove().catch(() => undefined);
    },
  };
}

const unusable: RunError = {
  code: 'store/checkpoint-unusable',
  message: 'What an interrupted run had saved is damaged or does not fit, so the work begins again.',
};
