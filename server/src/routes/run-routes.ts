/** Runs: start, look, cancel, repeat. */
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import {
  applyInputs,
  createTraceBuilder,
  type ParamValue,
  parseWorkflowValue,
  runStatuses,
  traceText,
  type Workflow,
} from '@reelgraph/graph';
import type { Catalogue } from '@reelgraph/host';
import { callSpecs } from '@reelgraph/protocol';
import type { Checker } from '../check/check-client.ts';
import type { Estimator } from '../estimate/estimate-client.ts';
import { type EventHub, isOver } from '../event-hub.ts';
import { HttpError, notFound } from '../http-error.ts';
import type { CallRegistry } from '../register-call.ts';
import type { RunJournal } from '../run-journal.ts';
import type { NewQueuedRun, RunQueue } from '../run-queue.ts';
import { type RunSettings, settingsBetween } from '../run-request.ts';
import { invalidWorkflow, requireWorkflow } from './workflow-routes.ts';

export interface RunRouteParts {
  readonly catalogue: Catalogue;
  readonly checker: Checker;
  readonly estimator: Estimator;
  readonly hub: EventHub;
  readonly journal: RunJournal;
  readonly queue: RunQueue;
}

const maxListedRuns = 100;
/** Runs that are journaled in one go; the event loop is free in between. */
const runsPerCommit = 250;

export function registerRunCalls(
  registry: CallRegistry,
  { catalogue, checker, estimator, hub, journal, queue }: RunRouteParts,
): void {
  const unknownRun = () => notFound('There is no run with this id.', 'GET /api/v1/runs lists the newest.');

  /** @throws HttpError 422 when the workflow cannot run */
  async function requireRunnable(workflow: Workflow, targets: readonly string[] | undefined): Promise<void> {
    for (const [index, target] of (targets ?? []).entries()) {
      if (!Object.hasOwn(workflow.nodes, target)) {
        throw new HttpError(422, 'run/unknown-target', `The workflow has no node "${target}" to compute.`, {
          path: ['targets', index],
        });
      }
    }
    const blockers = await checker.findBlockers(workflow, targets);
    if (blockers.length > 0) throw invalidWorkflow(blockers);
  }

  /** @throws HttpError 422 when the run is expected to take more than the budget */
  async function requireWithinBudget(
    workflow: Workflow,
    targets: readonly string[] | undefined,
  ): Promise<void> {
    if (!estimator.isLimited) return;
    const { refusal } = await estimator.estimate(workflow, targets);
    if (refusal !== undefined)
      throw new HttpError(422, refusal.code, refusal.message, { hint: refusal.hint });
  }

  /** As `requireWithinBudget`, for the runs of a sweep: those of one cost are forecast once where that is enough. */
  function budgetOfSweep(targets: readonly string[] | undefined) {
    const fits = new Map<string, boolean>();
    return async (workflow: Workflow, settings: RunSettings | undefined): Promise<void> => {
      if (!estimator.isLimited) return;
      const kind = costly(workflow, settings);
      // What is kept of one seed is not kept of the next: only what fits without it fits for all of them.
      if (!fits.has(kind)) {
        const { refusal } = await estimator.estimate(workflow, targets, { nothingKept: true });
        fits.set(kind, refusal === undefined);
      }
      if (fits.get(kind) !== true) await requireWithinBudget(workflow, targets);
    };
  }

  /** Settings without texts and seeds, which change no cost. */
  function costly(workflow: Workflow, settings: RunSettings | undefined): string {
    const kept = Object.entries(settings ?? {}).map(([id, params]) => {
      const declared = catalogue.typesByName.get(workflow.nodes[id]?.type ?? '')?.params ?? {};
      const isCostly = ([name]: [string, ParamValue]) =>
        declared[name]?.kind !== 'seed' && declared[name]?.kind !== 'text';
      return [id, Object.entries(params).filter(isCostly)];
    });
    return JSON.stringify(kept.filter(([, params]) => params?.length !== 0));
  }

  /** The workflow with values set. @throws HttpError 422 with every value that does not fit */
  function withInputs(
    workflow: Workflow,
    values: Readonly<Record<string, ParamValue>> | undefined,
  ): Workflow {
    if (values === undefined) return workflow;
    const applied = applyInputs(workflow, values, catalogue.typesByName);
    if (applied.ok) return applied.workflow;
    throw invalidWorkflow(applied.issues);
  }

  /** Takes runs in and answers when they are safe; none is kept when that cannot be. */
  async function accept(runs: readonly NewQueuedRun[]): Promise<string[]> {
    const runIds: string[] = [];
    try {
      for (let at = 0; at < runs.length; at += runsPerCommit) {
        if (at > 0) await setImmediate();
        runIds.push(...queue.submit(runs.slice(at, at + runsPerCommit)));
      }
      await journal.flush();
    } catch (error) {
      // Not acknowledged, so they must not go on behind their owner's back.
      for (const runId of runIds) queue.cancel(runId);
      throw error;
    }
    return runIds;
  }

  async function acceptOne(run: NewQueuedRun): Promise<{ runId: string }> {
    const [runId = ''] = await accept([run]);
    return { runId };
  }

  registry.call('estimate', async ({ body, signal }) => {
    const parsed = parseWorkflowValue(body.workflow);
    if (!parsed.ok) return { issues: [...parsed.issues] };
    const workflow = withInputs(parsed.workflow, body.inputs);
    const { result, refusal } = await estimator.estimate(workflow, body.targets, { signal });
    if (!result.ok) return { issues: [...result.issues] };
    return { forecast: result.forecast, issues: [], ...(refusal === undefined ? {} : { refusal }) };
  });

  registry.call(
    'startRun',
    async ({ body }) => {
      const { targets, priority, runId } = body;
      const workflow = requireWorkflow(body.workflow);
      // Asked for again: the answer was lost.
      if (runId !== undefined && hub.status(runId) !== undefined) return { runId };
      await requireRunnable(workflow, targets);
      await requireWithinBudget(workflow, targets);
      return acceptOne({ workflow, targets, priority, runId });
    },
    { status: 202 },
  );

  registry.call(
    'startRuns',
    async ({ body }) => {
      const { targets, priority } = body;
      const workflow = requireWorkflow(body.workflow);
      await requireRunnable(workflow, targets);
      const runs: NewQueuedRun[] = [];
      const requireEachWithinBudget = budgetOfSweep(targets);
      for (const { inputs } of body.runs) {
        const changed = withInputs(workflow, inputs);
        const settings = settingsBetween(workflow, changed);
        await requireEachWithinBudget(changed, settings);
        runs.push({ workflow, settings, targets, priority });
        if (runs.length % runsPerCommit === 0) await setImmediate();
      }
      return { runIds: await accept(runs) };
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
    const before = query('before');
    if (before !== undefined && hub.status(before) === undefined) throw unknownRun();
    return journal.newestIds(maxListedRuns, { status, before }).flatMap((runId) => hub.run(runId) ?? []);
  });

  registry.call('getRun', ({ param }) => {
    const runId = param('runId');
    const run = hub.run(runId);
    const request = journal.request(runId);
    if (run === undefined || request === undefined) throw unknownRun();
    const { workflow, targets } = request;
    return { run, workflow, ...(targets === undefined ? {} : { targets: [...targets] }) };
  });

  // Read, built and sent in pieces: that of a large run would keep everybody else waiting.
  registry.bytes('GET', callSpecs.getRunTrace.path, async (request, response) => {
    const runId = String(request.params.runId);
    if (hub.status(runId) === undefined) throw unknownRun();
    const trace = createTraceBuilder();
    for (const events of journal.eventsOfRunByPage(runId)) {
      for (const event of events) trace.add(event);
      await setImmediate();
    }
    response.set('cache-control', 'no-store').type('application/json');
    await pipeline(Readable.from(traceText(trace.finish())), response);
  });

  registry.call('cancelRun', async ({ param }) => {
    const status = queue.cancel(param('runId'));
    if (status === undefined) throw unknownRun();
    await journal.flush();
    return { status };
  });

  registry.call(
    'retryRun',
    async ({ param }) => {
      const runId = param('runId');
      const status = hub.status(runId);
      const request = journal.request(runId);
      if (status === undefined || request === undefined) throw unknownRun();
      if (!isOver({ status }) || status === 'succeeded') {
        throw new HttpError(
          409,
          'run/nothing-to-retry',
          `This run is ${status}: there is nothing to retry.`,
          {
            hint: 'POST …/again starts it once more whatever became of it.',
          },
        );
      }
      await requireWithinBudget(request.workflow, request.targets);
      const priority = hub.run(runId)?.priority;
      return acceptOne({ ...request, from: runId, priority });
    },
    { status: 202 },
  );

  registry.call(
    'runAgain',
    async ({ param, body }) => {
      const runId = param('runId');
      const request = journal.request(runId);
      if (request === undefined) throw unknownRun();
      const workflow = withInputs(request.workflow, body.inputs);
      if (workflow !== request.workflow) await requireRunnable(workflow, request.targets);
      await requireWithinBudget(workflow, request.targets);
      return acceptOne({ ...request, workflow, from: runId, priority: body.priority });
    },
    { status: 202 },
  );
}
