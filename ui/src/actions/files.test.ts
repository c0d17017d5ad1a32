import { ApiError, createClient } from '@reelgraph/client';
import type { WorkflowSummary } from '@reelgraph/protocol';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { commandById } from '../app/commands.ts';
import { Editor } from '../app/editor.ts';
import { memoryStorage } from '../state/browser-storage.ts';
import { catalogueOf } from '../state/catalogue.ts';
import { DraftDrawer } from '../state/draft-drawer.ts';
import { chain, nodeType } from '../testing/small-graph.ts';
import { openFromServer, saveToServer, showWorkflow, takeFiles } from './files.ts';

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

describe('a dropped file', () => {
  const loader = nodeType({
    type: 'load-video',
    params: { video: { kind: 'file', label: 'Video', description: '', default: '', accept: 'video' } },
  });

  /** An editor whose server finds `found` in what is uploaded, and no workflow in any video. */
  function editorWith(found: string) {
    const sent: string[] = [];
    const client = {
      ...createClient({ baseUrl: 'http://127.0.0.1:1' }),
      extractWorkflow: async () => {
        sent.push('asked for its workflow');
        throw new ApiError(422, { code: 'video/no-workflow', message: 'It carries none.' });
      },
      uploadFile: async (_bytes: unknown, mediaType: string) => {
        sent.push(`uploaded as ${mediaType}`);
        return { file: 'inputs/film', mediaType: found, byteLength: 1 };
      },
    };
    const drafts = new DraftDrawer(memoryStorage(), memoryStorage());
    const editor = new Editor({ client, workflow: { ...chain(), nodes: {}, edges: [] }, drafts });
    editor.catalogue.set(catalogueOf([loader]));
    return { editor, sent };
  }
  const gibibyte = 1024 ** 3;

  function file(name: string, type: string, size: number): File {
    return Object.defineProperty(new File([], name, { type }), 'size', { value: size });
  }

  it('that is a large video becomes a node, and is sent once', async () => {
    const { editor, sent } = editorWith('video/mp4');
    await takeFiles(editor, [file('film.mp4', 'video/mp4', 3 * gibibyte)], [0, 0]);
    expect(sent).toEqual(['uploaded as video/mp4']);
    expect(Object.values(editor.document.get().nodes)).toMatchObject([
      { type: 'load-video', params: { video: 'inputs/film' } },
    ]);
  });

  it('that is a video might carry a workflow, and is asked', async () => {
    const { editor, sent } = editorWith('video/mp4');
    await takeFiles(editor, [file('film.mp4', 'video/mp4', 1000)], [0, 0]);
    expect(sent).toEqual(['asked for its workflow', 'uploaded as video/mp4']);
  });

  it('that only calls itself a video is refused with what would do', async () => {
    const { editor } = editorWith('image/png');
    await takeFiles(editor, [file('fake.mp4', 'video/mp4', 1000)], [0, 0]);
    expect(editor.notices.get()).toMatchObject([
      { text: 'fake.mp4 is no video.', hint: 'MP4 and WebM can be used.' },
    ]);
    expect(editor.document.get().nodes).toEqual({});
  });

  it('that is too much text for a workflow is not read', async () => {
    const { editor } = editorWith('video/mp4');
    await takeFiles(editor, [file('film.json', 'application/json', gibibyte)], [0, 0]);
    expect(editor.notices.get()).toMatchObject([
      { text: 'film.json is too large for a workflow.', hint: 'A workflow has up to 8.0 MiB of text.' },
    ]);
  });
});
