/** Starting and cancelling runs. */
import { ApiError } from '@reelgraph/client';
import type { RunForecast, Workflow } from '@reelgraph/graph';
import type { Editor } from '../app/editor.ts';
import { setParam } from '../state/edits.ts';
import { isActive, runsNewestFirst } from '../state/run-store.ts';
import { randomSeed } from '../state/seeds.ts';
import { explain } from './explain.ts';
import { showWorkflow } from './files.ts';
import { jumpToNode } from './graph-actions.ts';

/** Runs the document as it is now, or only what `targets` need. */
export async function startRun(editor: Editor, targets?: readonly string[]): Promise<void> {
  if (editor.starting.get()) return;
  rollSeeds(editor);
  editor.document.seal();
  editor.starting.set(true);
  editor.notices.settle('run');
  try {
    const document = editor.document.get();
    const { workflowNumber } = editor.document;
    const expecting = targets === undefined ? expectationOf(editor, document) : undefined;
    const { runId } = await editor.client.startRun(document, targets ? { targets } : {});
    editor.rememberRun(runId, document);
    void expecting?.then((expected) => {
      const run = editor.runs.runs.get().get(runId);
      // A quick run may be over by now.
      if (expected !== undefined && (run === undefined || isActive(run)))
        editor.expected.set(runId, expected);
    });
    // Another workflow may have been opened while the server answered; its nodes are not those of this run.
    if (editor.document.workflowNumber === workflowNumber) editor.runs.follow(runId);
  } catch (error) {
    if (error instanceof ApiError && error.issues.length > 0) {
      editor.check.set({ ...editor.check.get(), issues: [...error.issues] });
      editor.panel.set({ open: true, tab: 'problems' });
      // The panel and the nodes say what is wrong; it is not said a third time.
      const errors = error.issues.filter((issue) => issue.severity === 'error');
      const nodeId = errors.find((issue) => issue.nodeId !== undefined)?.nodeId;
      editor.announcement.set(
        errors.length === 1
          ? (errors[0]?.message ?? error.message)
          : `${errors.length} problems keep this from running.`,
      );
      if (nodeId !== undefined) jumpToNode(editor, nodeId);
    } else {
      editor.notices.add({
        tone: 'bad',
        about: 'run',
        ...explain(error, 'The run could not be started.'),
      });
    }
  } finally {
    editor.starting.set(false);
  }
}

/** What a run of the document will take. The forecast that is shown lags behind an edit, and is then asked for anew. */
async function expectationOf(editor: Editor, document: Workflow): Promise<RunForecast | undefined> {
  const { nodes, edges } = document;
  const shown = editor.forecast.get();
  if (shown?.of.nodes === nodes && shown.of.edges === edges) return shown.forecast;
  try {
    return (await editor.client.estimate(document)).forecast;
  } catch {
    // No forecast is no fault.
    return undefined;
  }
}

/** Seeds that are new for each run are written into the document first, so that the run can be repeated. */
function rollSeeds(editor: Editor): void {
  const catalogue = editor.catalogue.get();
  const document = editor.document.get();
  const addresses = [...editor.rollingSeeds.get()].flatMap((address) => {
    const at = address.indexOf('.');
    const [id, param] = [address.slice(0, at), address.slice(at + 1)];
    const node = document.nodes[id];
    return node && catalogue.get(node.type)?.params[param]?.kind === 'seed' ? [[id, param] as const] : [];
  });
  if (addresses.length === 0) return;
  editor.document.edit('New seed', (draft) => {
    for (const [id, param] of addresses) setParam(draft, id, param, randomSeed());
  });
}

export async function cancelRun(editor: Editor, runId: string): Promise<void> {
  if (editor.cancelling.get().has(runId)) return;
  editor.cancelling.update((ids) => new Set([...ids, runId]));
  try {
    await editor.client.cancelRun(runId, {});
  } catch (error) {
    editor.cancelling.update((ids) => new Set([...ids].filter((id) => id !== runId)));
    editor.notices.add({
      tone: 'bad',
      about: 'run',
      ...explain(error, 'The run could not be cancelled.'),
    });
  }
}

/** Cancels what the bar counts: the run that works now, else the next in the queue. The queue's list cancels others. */
export async function cancelCurrent(editor: Editor): Promise<void> {
  const active = runsNewestFirst(editor.runs.runs.get()).filter(isActive);
  const run = active.find(({ status }) => status === 'running') ?? active.at(-1);
  if (run) await cancelRun(editor, run.runId);
}

/** Opens the very workflow that a run executed, with its results on the nodes. */
export async function openRun(editor: Editor, runId: string): Promise<void> {
  try {
    const { workflow } = await editor.client.getRun(runId);
    showWorkflow(editor, workflow);
    editor.rememberRun(runId, workflow);
    editor.runs.show(runId);
  } catch (error) {
    editor.notices.add({ tone: 'bad', ...explain(error, 'The run could not be opened.') });
  }
}
