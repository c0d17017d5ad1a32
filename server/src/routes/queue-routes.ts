/** The queue: look, order, pause, cancel. */
import type { QueueSummary } from '@reelgraph/protocol';
import type { EventHub } from '../event-hub.ts';
import type { CallRegistry } from '../register-call.ts';
import type { RunJournal } from '../run-journal.ts';
import type { RunQueue } from '../run-queue.ts';

export interface QueueRouteParts {
  readonly hub: EventHub;
  readonly journal: RunJournal;
  readonly queue: RunQueue;
}

export function registerQueueCalls(registry: CallRegistry, { hub, journal, queue }: QueueRouteParts): void {
  /** What was ordered holds once it is answered, also through a power cut. */
  const lasting = async <T>(answer: () => T): Promise<T> => {
    await journal.flush();
    return answer();
  };
  const summary = (): QueueSummary => hub.queueSummary();

  registry.call('getQueue', summary);
  registry.call('pauseQueue', () => {
    queue.pause();
    return lasting(summary);
  });
  registry.call('resumeQueue', () => {
    queue.resume();
    return lasting(summary);
  });
  registry.call('moveRun', ({ param, body }) => {
    queue.move(param('runId'), body);
    return lasting(summary);
  });
  registry.call('cancelAllRuns', () => {
    const cancelled = queue.cancelAll();
    return lasting(() => ({ cancelled }));
  });
}
