/** What happens once when the page opens: the theme, the draft or the first workflow, the server, and what follows changes. */
import { semanticEqual } from '@reelgraph/graph';
import { explain } from '../actions/explain.ts';
import { runsNewestFirst } from '../state/run-store.ts';
import { announceRuns, followTitle } from './announce.ts';
import type { Editor } from './editor.ts';
import { followTheme } from './follow-theme.ts';
import { keepChecking } from './keep-checking.ts';
import { keepDraft, restoreDraft } from './keep-draft.ts';
import { keepForecasting } from './keep-forecasting.ts';
import { listenToKeyboard } from './keyboard.ts';

/** What a first visit opens with. */
const firstWorkflow = 'text-to-video';
/** Newest runs that are looked at for the one that belongs to the draft. */
const runsTried = 8;
/** Below this width the graph needs the room more than the panel does, until the person opens it. */
const roomForPanelPx = 1400;

export function startEditor(editor: Editor): void {
  followTheme(editor);
  if (window.innerWidth < roomForPanelPx) editor.panel.update((panel) => ({ ...panel, open: false }));
  const restored = restoreDraft(editor);
  keepDraft(editor, restored);
  keepChecking(editor);
  keepForecasting(editor);
  announceRuns(editor);
  followTitle(editor);
  listenToKeyboard(editor);
  editor.connect();
  void load(editor, !restored);
}

async function load(editor: Editor, isFirstVisit: boolean): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await editor.loadOffers();
      editor.notices.settle('server');
      break;
    } catch (error) {
      if (tries === 0)
        editor.notices.add({
          tone: 'bad',
          about: 'server',
          ...explain(error, 'The server does not answer.'),
        });
      await new Promise((resolve) => setTimeout(resolve, Math.min(5000, 500 * 2 ** tries)));
    }
  }
  // Sizes of nodes are known only now; the view that was set before was a guess.
  requestAnimationFrame(() => editor.view.get()?.frameToRead());
  if (isFirstVisit && Object.keys(editor.document.get().nodes).length === 0) await openFirst(editor);
  if (!isFirstVisit) await findRun(editor).catch(() => undefined);
}

/** A page that was closed right after Run never learned which run that was: the newest one of this very workflow. */
async function findRun(editor: Editor): Promise<void> {
  const { workflowNumber } = editor.document;
  const draft = editor.document.get();
  const runs = await editor.client.listRuns();
  const newest = runsNewestFirst(new Map(runs.map((run) => [run.runId, run])));
  for (const { runId } of newest.slice(0, runsTried)) {
    if (runId === editor.runs.shownId.get()) return;
    const { workflow } = await editor.client.getRun(runId);
    if (!semanticEqual(workflow, draft)) continue;
    if (editor.document.workflowNumber !== workflowNumber || editor.starting.get()) return;
    editor.rememberRun(runId, workflow);
    editor.runs.resume(runId, []);
    return;
  }
}

/** Opens the first workflow as the beginning and not as an edit: there is nothing before it to go back to. */
async function openFirst(editor: Editor): Promise<void> {
  try {
    editor.document.reset(await editor.client.getWorkflow(firstWorkflow));
    requestAnimationFrame(() => editor.view.get()?.frameToRead());
  } catch (error) {
    editor.notices.add({ tone: 'bad', ...explain(error, 'The first workflow could not be opened.') });
  }
}
