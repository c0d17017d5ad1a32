/** Has the document checked whenever its meaning changes, a moment after the last keystroke. */
import { validateWorkflow } from '@reelgraph/graph';
import type { Editor } from './editor.ts';

const checkDelayMs = 180;

export function keepChecking(editor: Editor): void {
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
