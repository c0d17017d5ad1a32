/** Has the document checked whenever its meaning changes, a moment after the last keystroke. */
import { validateWorkflow } from '@reelgraph/graph';
import { askWhenChanged } from './ask-when-changed.ts';
import type { Editor } from './editor.ts';

const checkDelayMs = 180;

export function keepChecking(editor: Editor): void {
  const { document, catalogue, connection } = editor;
  askWhenChanged({
    delayMs: checkDelayMs,
    sources: [document, catalogue, connection],
    parts() {
      // Where nodes stand has no meaning; moving them is not checked again.
      const { nodes, edges } = document.get();
      return [nodes, edges, catalogue.get(), connection.get().status === 'open'];
    },
    isReady: () => catalogue.get().size > 0,
    async ask(signal) {
      const workflow = document.get();
      try {
        const answer = await editor.client.check(workflow, { signal });
        if (!signal.aborted) editor.check.set(answer);
      } catch {
        if (signal.aborted) return;
        // Without the server, what this page can tell by itself is still told.
        editor.check.set({ issues: validateWorkflow(workflow, catalogue.get()), facts: {} });
      }
    },
  });
}
