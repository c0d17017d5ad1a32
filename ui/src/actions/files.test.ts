import { createClient } from '@reelgraph/client';
import type { WorkflowSummary } from '@reelgraph/protocol';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { commandById } from '../app/commands.ts';
import { Editor } from '../app/editor.ts';
import { memoryStorage } from '../state/browser-storage.ts';
import { DraftDrawer } from '../state/draft-drawer.ts';
import { chain } from '../testing/small-graph.ts';
import { openFromServer, saveToServer, showWorkflow } from './files.ts';

// The canvas is not on the page here; there is nothing to frame.
beforeEach(() => {
  vi.stubGlobal('requestAnimationFrame', () => 0);
});

/** An editor on workflow "a", never saved, whose server keeps "b"; `written` is what was saved, as `id: name`. */
function editorOnA() {
  const written: string[] = [];
  let answer: () => void = () => undefined;
  const held = { isHeld: false, release: () => answer() };
  const summary: WorkflowSummary = { id: 'b', name: 'B', description: '', source: 'saved' };
  const client = {
    ...createClient({ baseUrl: 'http://127.0.0.1:1' }),
    getWorkflow: async () => ({ ...chain(), name: 'B' }),
    listWorkflows: async () => [summary],
    saveWorkflow: async (id: string, workflow: { name: string }) => {
      if (held.isHeld) await new Promise<void>((resolve) => (answer = resolve));
      written.push(`${id}: ${workflow.name}`);
      return summary;
    },
  };
  const drafts = new DraftDrawer(memoryStorage(), memoryStorage());
  const editor = new Editor({ client, workflow: { ...chain(), name: 'A' }, drafts });
  editor.workflows.set([summary]);
  return { editor, written, held };
}

const press = async (editor: Editor, id: string): Promise<void> => {
  commandById(id).run(editor);
  await new Promise((resolve) => setTimeout(resolve, 0));
};

describe('undo of opening another workflow', () => {
  it('goes back to the name the first was saved under: saving does not write over the other', async () => {
    const { editor, written } = editorOnA();
    await openFromServer(editor, 'b');
    expect(editor.savedAs.get()).toBe('b');
    await press(editor, 'undo');
    expect(editor.document.get().name).toBe('A');
    expect(editor.savedAs.get()).toBeUndefined();
    await press(editor, 'save');
    expect(written).toEqual([]);
    expect(editor.overlay.get()).toEqual({ kind: 'save' });

    await saveToServer(editor, 'a');
    await press(editor, 'redo');
    await press(editor, 'save');
    await press(editor, 'undo');
    await press(editor, 'save');
    expect(written).toEqual(['a: A', 'b: B', 'a: A']);
  });

  it('works when both read the same', async () => {
    const { editor } = editorOnA();
    await openFromServer(editor, 'b');
    showWorkflow(editor, editor.document.get());
    expect(editor.savedAs.get()).toBeUndefined();
    await press(editor, 'undo');
    expect(editor.savedAs.get()).toBe('b');
  });

  it('brings back the run on the nodes, and no picture of the other’s', async () => {
    const { editor } = editorOnA();
    editor.runs.follow('run-of-a');
    const a = editor.document.get();
    editor.rememberRun('run-of-a', a);
    await openFromServer(editor, 'b');
    expect(editor.runs.shownId.get()).toBeUndefined();
    expect(editor.ranWorkflow.get()).toBeUndefined();
    editor.runs.follow('run-of-b');
    editor.runs.preview({
      runId: 'run-of-b',
      nodeId: 'denoise',
      step: 1,
      mediaType: 'image/png',
      frameCount: 1,
      widthPx: 8,
      heightPx: 8,
      fps: 8,
      data: '',
    });
    await press(editor, 'undo');
    expect(editor.runs.shownId.get()).toBe('run-of-a');
    expect(editor.ranWorkflow.get()).toBe(a);
    expect(editor.runs.previews.get().size).toBe(0);
    await press(editor, 'redo');
    expect(editor.runs.shownId.get()).toBe('run-of-b');
  });

  it('keeps edits made before and after where they belong', async () => {
    const { editor } = editorOnA();
    await openFromServer(editor, 'b');
    editor.document.edit('Rename workflow', (draft) => {
      draft.name = 'B2';
    });
    await press(editor, 'undo');
    expect(editor.savedAs.get()).toBe('b');
    await press(editor, 'undo');
    expect(editor.savedAs.get()).toBeUndefined();
    await press(editor, 'redo');
    await press(editor, 'redo');
    expect([editor.document.get().name, editor.savedAs.get()]).toEqual(['B2', 'b']);
  });
});

it('a save answered after another workflow was opened names the one that was saved', async () => {
  const { editor, held } = editorOnA();
  held.isHeld = true;
  const saved = saveToServer(editor, 'a');
  await openFromServer(editor, 'b');
  held.release();
  await saved;
  expect(editor.savedAs.get()).toBe('b');
  await press(editor, 'undo');
  expect(editor.savedAs.get()).toBe('a');
});
