/** What is told of runs to those who do not look at the canvas: the title of the window and the voice. */
import type { RunState } from '@reelgraph/graph';
import { jumpToNode } from '../actions/graph-actions.ts';
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
      if (isActive(run)) next.add(run.runId);
      else if (active.has(run.runId)) {
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

/** A failed node says itself what happened, so only the way to it is told; a cancelled run would else just stop. */
function tellOutcome(editor: Editor, run: RunState): void {
  const failed = Object.entries(run.nodes).find(([, node]) => node.error)?.[0];
  if (run.status === 'cancelled') {
    editor.notices.add({ tone: 'info', about: 'run', text: `The run of ${run.workflowName} was cancelled.` });
  } else if (failed !== undefined && run.runId === editor.runs.shownId.get()) {
    editor.notices.add({
      tone: 'bad',
      about: 'run',
      text: 'The run failed at one node.',
      action: { label: 'Show', run: () => jumpToNode(editor, failed) },
    });
  } else if (run.error) {
    editor.notices.add({ tone: 'bad', about: 'run', text: run.error.message, hint: run.error.hint });
  }
}
