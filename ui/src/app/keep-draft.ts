/** Brings back the work of the last visit, and keeps what is done in this one. */
import { browserStorage } from '../state/browser-storage.ts';
import { readDraft, writeDraft } from '../state/draft.ts';
import type { Editor } from './editor.ts';

const storage = browserStorage();
/** Ms from a change until it is kept. */
const draftDelayMs = 250;

/** True when there was a draft. */
export function restoreDraft(editor: Editor): boolean {
  const draft = readDraft(storage);
  if (!draft) return false;
  editor.document.reset(draft.workflow);
  editor.savedAs.set(draft.savedAs);
  editor.rollingSeeds.set(new Set(draft.rollingSeeds));
  if (draft.runId !== undefined) {
    const { runId } = draft;
    editor.runs.show(runId);
    // The run may be gone with another data folder; then nothing is known to be stale.
    void editor.client.getRun(runId).then(
      ({ workflow }) => editor.rememberRun(runId, workflow),
      () => undefined,
    );
  }
  return true;
}

/** Writes the draft after each change, and once more when the page is left. */
export function keepDraft(editor: Editor): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let warned = false;
  const write = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const kept = writeDraft(storage, {
      workflow: editor.document.get(),
      savedAs: editor.savedAs.get(),
      rollingSeeds: [...editor.rollingSeeds.get()],
      runId: editor.runs.shownId.get(),
    });
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
    timer ??= setTimeout(write, draftDelayMs);
  };
  for (const source of [editor.document, editor.savedAs, editor.rollingSeeds, editor.runs.shownId])
    source.subscribe(later);
  window.addEventListener('pagehide', write);
}
