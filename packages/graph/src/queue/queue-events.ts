/**
 * What the journal holds, in order: what happened in runs, and what happened to the queue as a whole. The state of
 * the queue is the fold of these (`reduce-queue.ts`), and they come about by deciding commands (`decide-queue.ts`).
 */
import { z } from 'zod';
import type { RunEvent, RunEventBody } from '../run-events.ts';

export const queueEventSchema = z.discriminatedUnion('type', [
  /** No further run is begun; the one at work goes on. */
  z.strictObject({ type: z.literal('queue.paused'), atMs: z.number() }),
  z.strictObject({ type: z.literal('queue.resumed'), atMs: z.number() }),
]);
export type QueueEvent = z.infer<typeof queueEventSchema>;

/** Anything that the journal holds. */
export type JournalEvent = RunEvent | QueueEvent;

export function isQueueEvent(event: JournalEvent): event is QueueEvent {
  return event.type === 'queue.paused' || event.type === 'queue.resumed';
}

/** An event before the journal gives it its number and its time. */
export type EventDraft =
  | { readonly runId: string; readonly body: RunEventBody }
  | { readonly runId?: undefined; readonly body: { readonly type: QueueEvent['type'] } };
