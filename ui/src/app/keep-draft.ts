/** Brings back the work of the last visit, and keeps what is done in this one. */
import type { EditorDraft } from '../state/draft.ts';
import type { Editor } from './editor.ts';

/** Ms from a change until it is kept. */
const draftDelayMs = 250;

/** True when there was a draft. */
export function restoreDraft(editor: Editor): boolean {
  const draft = editor.drafts.open();
  if (draft) {
    editor.document.reset(draft.workflow);
    showDraft(editor, draft);
  }
  tellOfOthers(editor);
  return draft !== undefined;
}

/** What goes with a draft besides its document, which is shown already. */
export function showDraft(editor: Editor, draft: EditorDraft): void {
  editor.savedAs.set(draft.savedAs);
  editor.rollingSeeds.set(new Set(draft.rollingSeeds));
  if (draft.runId === undefined) return;
  editor.runs.resume(draft.runId, draft.waitingRuns);
  for (const runId of [draft.runId, ...draft.waitingRuns]) {
    // The run may be gone with another data folder; then nothing is known to be stale.
    void editor.client.getRun(runId).then(
      ({ workflow }) => editor.rememberRun(runId, workflow),
      () => undefined,
    );
  }
}

function tellOfOthers(editor: Editor): void {
  const count = editor.drafts.others().filter((other) => other.draft.isClosed).length;
  if (count === 0) return;
  editor.notices.add({
    tone: 'info',
    text: `${count === 1 ? 'One more draft of a closed window is' : `${count} more drafts of closed windows are`} kept.`,
    action: { label: 'Show', run: () => editor.overlay.set({ kind: 'templates' }) },
  });
}

/** Writes the draft, once there is anything to keep, after each change, and once more when the page is left. */
export function keepDraft(editor: Editor, isRestored: boolean): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let warned = false;
  let isWorth = isRestored;
  const write = (isClosed: boolean): void => {
    clearTimeout(timer);
    timer = undefined;
    // The first workflow, untouched, is no work of anybody's.
    const { undoLabel, redoLabel } = editor.document.history.get();
    isWorth ||= [undoLabel, redoLabel, editor.runs.shownId.get()].some((sign) => sign !== undefined);
    // A run that was asked for and has no id yet is found by its workflow on the next visit.
    isWorth ||= editor.starting.get();
    if (!isWorth) return;
    const kept = editor.drafts.write(
      {
        workflow: editor.document.get(),
        savedAs: editor.savedAs.get(),
        rollingSeeds: [...editor.rollingSeeds.get()],
        runId: editor.runs.shownId.get(),
        waitingRuns: editor.runs.waiting,
      },
      { isClosed },
    );
    if (!kept && !warned) {
      warned = true;
      editor.notices.add({
        tone: 'bad',
        text: 'This browser has no room to keep your draft.',
        hint: 'Save the workflow before you close the page.',
      });
    }
  };
  const later = (): void => {
    timer ??= setTimeout(() => write(false), draftDelayMs);
  };
  for (const source of [
    editor.document,
    editor.savedAs,
    editor.starting,
    editor.rollingSeeds,
    editor.runs.shownId,
    editor.runs.ownChanged,
  ])
    source.subscribe(later);
  window.addEventListener('pagehide', () => write(true));
  // A page that comes back by the browser's Back button was not closed after all.
  window.addEventListener('pageshow', (event) => {
    if (event.persisted) write(false);
  });
}
