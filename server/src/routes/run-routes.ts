/** Runs: start, look, cancel. */
import { runStatuses } from '@reelgraph/graph';
import type { Checker } from '../check/check-client.ts';
import type { EventHub } from '../event-hub.ts';
import { HttpError, notFound } from '../http-error.ts';
import type { CallRegistry } from '../register-call.ts';
import type { RunJournal } from '../run-journal.ts';
import type { RunQueue } from '../run-queue.ts';
import { invalidWorkflow, requireWorkflow } from './workflow-routes.ts';

export interface RunRouteParts {
  readonly checker: Checker;
  readonly hub: EventHub;
  readonly journal: RunJournal;
  readonly queue: RunQueue;
}

const maxListedRuns = 100;

export function registerRunCalls(
  registry: CallRegistry,
  { checker, hub, journal, queue }: RunRouteParts,
): void {
  const unknownRun = () => notFound('There is no run with this id.', 'GET /api/v1/runs lists the newest.');

  registry.call(
    'startRun',
    async ({ body }) => {
      const workflow = requireWorkflow(body.workflow);
      for (const [index, target] of (body.targets ?? []).entries()) {
        if (!Object.hasOwn(workflow.nodes, target)) {
          throw new HttpError(422, 'run/unknown-target', `The workflow has no node "${target}" to compute.`, {
            path: ['targets', index],
          });
        }
      }
      const blockers = await checker.findBlockers(workflow, body.targets);
      if (blockers.length > 0) throw invalidWorkflow(blockers);
      const runId = queue.add(workflow, body.targets);
      try {
        await journal.flush();
      } catch (error) {
        // Not acknowledged, so it must not go on behind its owner's back.
        queue.cancel(runId);
        throw error;
      }
      return { runId };
    },
    { status: 202 },
  );

  registry.call('listRuns', ({ query }) => {
    const wanted = query('status');
    const status = runStatuses.find((known) => known === wanted);
    if (wanted !== undefined && status === undefined) {
      throw new HttpError(
        400,
        'run/unknown-status',
        `A run is never "${wanted}"; it is one of ${runStatuses.join(', ')}.`,
        {
          path: ['status'],
        },
      );
    }
    return hub
      .runs()
      .filter((run) => status === undefined || run.status === status)
      .slice(0, maxListedRuns);
  });

  registry.call('getRun', ({ param }) => {
    const runId = param('runId');
    const run = hub.run(runId);
    const request = journal.request(runId);
    if (run === undefined || request === undefined) throw unknownRun();
    return { run, workflow: request.workflow };
  });

  registry.call('cancelRun', ({ param }) => {
    const status = queue.cancel(param('runId'));
    if (status === undefined) throw unknownRun();
    return { status };
  });
}
