/** What happens once when the page opens: the theme, the draft or the first workflow, the server, and what follows changes. */
import { validateWorkflow } from '@reelgraph/graph';
import { explain } from '../actions/explain.ts';
import { openFromServer } from '../actions/files.ts';
import { browserStorage } from '../state/browser-storage.ts';
import { readDraft, writeDraft } from '../state/draft.ts';
import { isActive } from '../state/run-store.ts';
import { applyTheme, type ThemeName } from '../styles/theme.ts';
import type { Editor } from './editor.ts';
import { listenToKeyboard } from './keyboard.ts';

const storage = browserStorage();
const themeKey = 'reelgraph.theme';
const firstWorkflow = 'text-to-video';
/** Ms of quiet before the document is checked, and before the draft is written. */
const checkDelayMs = 180;
const draftDelayMs = 250;

export function startEditor(editor: Editor): void {
  followTheme(editor);
  const restored = restoreDraft(editor);
  keepDraft(editor);
  keepChecking(editor);
  announceRuns(editor);
  followTitle(editor);
  listenToKeyboard(editor);
  editor.connect();
  void load(editor, !restored);
}

async function load(editor: Editor, first: boolean): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await editor.loadOffers();
      break;
    } catch (error) {
      if (tries === 0) editor.notices.add({ tone: 'bad', ...explain(error, 'The server does not answer.') });
      await new Promise((resolve) => setTimeout(resolve, Math.min(5000, 500 * 2 ** tries)));
    }
  }
  if (first && Object.keys(editor.document.get().nodes).length === 0)
    await openFromServer(editor, firstWorkflow);
}

function followTheme(editor: Editor): void {
  const stored = storage.getItem(themeKey);
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  const preferred = (): ThemeName => (dark.matches ? 'dark' : 'light');
  editor.theme.set(stored === 'dark' || stored === 'light' ? stored : preferred());
  applyTheme(document.documentElement, editor.theme.get());
  editor.theme.subscribe(() => {
    applyTheme(document.documentElement, editor.theme.get());
    // Choosing what the system says anyway goes back to following it.
    if (editor.theme.get() === preferred()) storage.removeItem(themeKey);
    else storage.setItem(themeKey, editor.theme.get());
  });
  dark.addEventListener('change', () => {
    if (storage.getItem(themeKey) === null) editor.theme.set(preferred());
  });
}

function restoreDraft(editor: Editor): boolean {
  const draft = readDraft(storage);
  if (!draft) return false;
  editor.document.reset(draft.workflow);
  editor.savedAs.set(draft.savedAs);
  editor.rollingSeeds.set(new Set(draft.rollingSeeds));
  if (draft.runId !== undefined) {
    editor.runs.show(draft.runId);
    // The run may be gone with another data folder; then nothing is known to be stale.
    void editor.client.getRun(draft.runId).then(
      ({ workflow }) => editor.ranWorkflow.set(workflow),
      () => undefined,
    );
  }
  return true;
}

function keepDraft(editor: Editor): void {
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

function keepChecking(editor: Editor): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: AbortController | undefined;
  let checked: readonly unknown[] = [];
  const check = async (): Promise<void> => {
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    const workflow = editor.document.get();
    try {
      const answer = await editor.client.check(workflow, { signal });
      if (!signal.aborted) editor.check.set(answer);
    } catch {
      if (signal.aborted) return;
      // Without the server, what this page can tell by itself is still told.
      editor.check.set({ issues: validateWorkflow(workflow, editor.catalogue.get()), facts: {} });
    }
  };
  const later = (): void => {
    // Where nodes stand has no meaning; moving them is not checked again.
    const { nodes, edges } = editor.document.get();
    const parts = [nodes, edges, editor.catalogue.get(), editor.connection.get().status === 'open'];
    if (parts.every((part, index) => part === checked[index])) return;
    checked = parts;
    clearTimeout(timer);
    if (editor.catalogue.get().size === 0) return;
    timer = setTimeout(() => void check(), checkDelayMs);
  };
  for (const source of [editor.document, editor.catalogue, editor.connection]) source.subscribe(later);
}

/** The window's title: the workflow, and how far the shown run is, for a tab that is not looked at. */
function followTitle(editor: Editor): void {
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

/** Says aloud, and shows when the page is not looked at, that a run came to its end. */
function announceRuns(editor: Editor): void {
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
        if (run.error) editor.notices.add({ tone: 'bad', text: run.error.message, hint: run.error.hint });
      }
    }
    active = next;
  });
}
