/** Bringing workflows in and out: templates, files, dropped things, saving. Opening is an edit too: undo brings back what was. */
import { ApiError } from '@reelgraph/client';
import {
  bytesText,
  documentLimits,
  emptyWorkflow,
  parseWorkflow,
  stringifyWorkflow,
  type Workflow,
} from '@reelgraph/graph';
import type { Editor } from '../app/editor.ts';
import { showDraft } from '../app/keep-draft.ts';
import { isComfyWorkflow } from '../state/comfy-workflow.ts';
import { explain } from './explain.ts';
import { fileStem } from './file-stem.ts';
import { addNodeOfType, tidyPlaces } from './graph-actions.ts';
import { uploadFile } from './uploads.ts';

/** Largest video that is asked for its workflow: those made here are far smaller, and asking sends all of it. */
const largestAsked = 512 * 1024 * 1024;
const usableFiles = 'Reelgraph JSON, videos (MP4, WebM) and pictures (PNG, JPEG, WebP) can be dropped.';

/** Replaces the document. `savedAs` is the id under which the server keeps it. */
export function showWorkflow(editor: Editor, workflow: Workflow, savedAs?: string): void {
  const placed = Object.keys(workflow.nodes).some((id) => workflow.layout.nodes[id]);
  const shown = placed
    ? workflow
    : {
        ...workflow,
        layout: { ...workflow.layout, nodes: Object.fromEntries(tidyPlaces(editor, workflow)) },
      };
  editor.selection.clear();
  editor.document.edit(`Open ${workflow.name}`, () => shown, { isAnotherWorkflow: true });
  editor.savedAs.set(savedAs);
  editor.notices.settle('open');
  requestAnimationFrame(() => {
    const view = editor.view.get();
    view?.frameToRead();
    // What was pressed to open it is gone; the keys go to what was opened.
    view?.container.focus({ preventScroll: true });
  });
}

/** Opens a copy of another window's draft as one step, so that undo brings back what was. */
export function openDraft(editor: Editor, id: string): void {
  const draft = editor.drafts.copyOf(id);
  if (!draft) return;
  showWorkflow(editor, draft.workflow);
  showDraft(editor, draft);
}

export function newWorkflow(editor: Editor): void {
  showWorkflow(editor, emptyWorkflow());
}

export async function openFromServer(editor: Editor, id: string): Promise<void> {
  try {
    const workflow = await editor.client.getWorkflow(id);
    const source = editor.workflows.get().find((entry) => entry.id === id)?.source;
    showWorkflow(editor, workflow, source === 'saved' ? id : undefined);
  } catch (error) {
    editor.notices.add({
      tone: 'bad',
      about: 'open',
      ...explain(error, 'The workflow could not be opened.'),
    });
  }
}

/** Takes files that were dropped or picked: a workflow, a video that carries one, or pictures and videos to work with. */
export async function takeFiles(
  editor: Editor,
  files: readonly File[],
  at?: readonly [number, number],
): Promise<void> {
  let shift = 0;
  for (const file of files) {
    if (file.type.startsWith('image/')) {
      await addLoader(editor, file, 'image', at, shift);
      shift += 40;
    } else if (file.type === 'video/mp4' || file.name.endsWith('.mp4')) {
      const isOpened = file.size <= largestAsked && (await openVideo(editor, file));
      if (!isOpened) await addLoader(editor, file, 'video', at, shift);
      shift += 40;
    } else if (file.type.startsWith('video/')) {
      await addLoader(editor, file, 'video', at, shift);
      shift += 40;
    } else if (file.type === 'application/json' || file.name.endsWith('.json')) {
      if (file.size <= documentLimits.textBytes) openWorkflowText(editor, file.name, await file.text());
      else tellTooLarge(editor, file.name);
    } else {
      editor.notices.add({
        tone: 'bad',
        about: 'open',
        text: `${file.name} cannot be opened here.`,
        hint: usableFiles,
      });
    }
  }
}

function tellTooLarge(editor: Editor, name: string): void {
  editor.notices.add({
    tone: 'bad',
    about: 'open',
    text: `${name} is too large for a workflow.`,
    hint: `A workflow has up to ${bytesText(documentLimits.textBytes)} of text.`,
  });
}

export function openWorkflowText(editor: Editor, name: string, text: string): void {
  const parsed = parseWorkflow(text);
  if (parsed.ok) {
    showWorkflow(editor, parsed.workflow);
    for (const warning of parsed.warnings) editor.notices.add({ tone: 'info', text: warning.message });
    return;
  }
  if (isComfyWorkflow(text)) {
    editor.notices.add({
      tone: 'bad',
      about: 'open',
      text: 'This looks like a ComfyUI workflow; Reelgraph cannot open those yet.',
    });
    return;
  }
  const [first, ...more] = parsed.issues;
  editor.notices.add({
    tone: 'bad',
    about: 'open',
    text: `${name} is no workflow that can be opened: ${first?.message ?? 'it could not be read'}`,
    hint: more.length > 0 ? `And ${more.length} more problems.` : undefined,
  });
}

/** Opens the workflow that a video carries; false when it carries none and is a clip to work with. */
async function openVideo(editor: Editor, file: File): Promise<boolean> {
  try {
    const workflow = await editor.client.extractWorkflow(file);
    showWorkflow(editor, workflow);
    editor.notices.add({ tone: 'good', text: `This is the workflow that made ${file.name}.` });
  } catch (error) {
    if (error instanceof ApiError && error.code === 'video/no-workflow') return false;
    editor.notices.add({
      tone: 'bad',
      about: 'open',
      ...explain(error, `${file.name} carries no workflow.`),
    });
  }
  return true;
}

/** Uploads a file and adds the node that loads it. */
async function addLoader(
  editor: Editor,
  file: File,
  kind: 'image' | 'video',
  at: readonly [number, number] | undefined,
  shift: number,
): Promise<void> {
  const loader = [...editor.catalogue.get().values()].find((info) =>
    Object.values(info.params).some((param) => param.kind === 'file' && param.accept === kind),
  );
  const param = loader && Object.entries(loader.params).find(([, info]) => info.kind === 'file')?.[0];
  if (!loader || param === undefined) {
    editor.notices.add({
      tone: 'bad',
      text: `No node on this server takes ${kind === 'image' ? 'an image' : 'a video'}.`,
    });
    return;
  }
  const uploaded = await uploadFile(editor, file, kind);
  if (uploaded === undefined) return;
  const place = at ?? editor.view.get()?.port.centre() ?? [0, 0];
  addNodeOfType(editor, loader, [place[0] + shift, place[1] + shift], { params: { [param]: uploaded } });
}

/** Saves under an id on the server; true when it is there. */
export async function saveToServer(editor: Editor, id: string): Promise<boolean> {
  const { workflowNumber } = editor.document;
  try {
    await editor.client.saveWorkflow(id, editor.document.get());
    editor.keepSavedAs(workflowNumber, id);
    editor.workflows.set(await editor.client.listWorkflows());
    editor.notices.add({ tone: 'good', about: 'save', text: `Saved as ${id}.` });
    return true;
  } catch (error) {
    editor.notices.add({ tone: 'bad', about: 'save', ...explain(error, 'The workflow could not be saved.') });
    return false;
  }
}

export function downloadWorkflow(editor: Editor): void {
  const workflow = editor.document.get();
  const url = URL.createObjectURL(new Blob([stringifyWorkflow(workflow)], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = `${fileStem(workflow.name)}.json`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
