/** What is told of runs to those who do not look at the canvas: the title of the window and the voice. */
import { failuresOf, type RunState } from '@reelgraph/graph';
import { jumpToNode } from '../actions/graph-actions.ts';
import { deliveryOf, deliveryText } from '../state/run-delivery.ts';
import { isActive } from '../state/run-store.ts';
import type { Editor } from './editor.ts';

/** The window's title: the workflow, and how far the shown run is, for a tab that is not looked at. */
export function followTitle(editor: Editor): void {
  const write = (): void => {
    const run = editor.runs.shown.get();
    const nodes = Object.values(run?.nodes ?? {});
    const done = nodes.filter((node) => node.status !== 'waiting' && node.status !== 'running').length;
    const progress =
      run && isActive(run) && nodes.length > 0 ? `${Math.round((100 * done) / nodes.length)} % · ` : '';
    const title = `${progress}${editor.document.get().name || 'Untitled'} · Reelgraph`;
    if (document.title !== title) document.title = title;
  };
  write();
  editor.document.subscribe(write);
  editor.runs.shown.subscribe(write);
}

/** Says aloud that a run came to its end, and shows why one failed. */
export function announceRuns(editor: Editor): void {
  let active = new Set<string>();
  editor.runs.runs.subscribe(() => {
    const next = new Set<string>();
    for (const run of editor.runs.runs.get().values()) {
      if (isActive(run)) {
        next.add(run.runId);
        continue;
      }
      editor.expected.delete(run.runId);
      if (active.has(run.runId)) {
        const said = {
          succeeded: 'finished',
          partial: 'finished in part',
          failed: 'failed',
          cancelled: 'was cancelled',
        } as const;
        const outcome = run.status === 'queued' || run.status === 'running' ? 'finished' : said[run.status];
        editor.announcement.set(`The run of ${run.workflowName} ${outcome}.`);
        tellOutcome(editor, run);
      }
    }
    active = next;
  });
}

/**
 * A failed node says itself what happened, so only the way to it is told, and what there is in spite of it; a cancelled
 * run would else just stop.
 */
function tellOutcome(editor: Editor, run: RunState): void {
  const failures = failuresOf(run);
  const [first] = failures;
  const ran = editor.ranBy(run.runId);
  const isShown = run.runId === editor.runs.shownId.get();
  if (run.status === 'cancelled') {
    editor.notices.add({ tone: 'info', about: 'run', text: `The run of ${run.workflowName} was cancelled.` });
  } else if (first !== undefined && (isShown || run.status === 'partial')) {
    const count = failures.length === 1 ? 'one node' : `${failures.length} nodes`;
    editor.notices.add({
      tone: 'bad',
      about: 'run',
      text:
        run.status === 'partial'
          ? `The run of ${run.workflowName} finished in part: it failed at ${count}.`
          : `The run failed at ${count}.`,
      hint: ran === undefined ? undefined : deliveryText(deliveryOf(run, ran, editor.catalogue.get())),
      ...(isShown ? { action: { label: 'Show', run: () => jumpToNode(editor, first.nodeId) } } : {}),
    });
  } else if (run.error) {
    editor.notices.add({ tone: 'bad', about: 'run', text: run.error.message, hint: run.error.hint });
  }
}
