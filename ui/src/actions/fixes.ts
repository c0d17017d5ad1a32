/** Carries out the one-click repair that an issue offers. */
import { applyFix as fixed, type GraphFix } from '@reelgraph/graph';
import type { Editor } from '../app/editor.ts';

export function applyFix(editor: Editor, fix: GraphFix): void {
  const before = editor.document.get();
  const after = fixed(before, fix);
  editor.document.edit(fix.label, (draft) => {
    if (after.nodes !== before.nodes) draft.nodes = after.nodes;
    if (after.edges !== before.edges) draft.edges = after.edges;
    if (after.subgraphs !== before.subgraphs) draft.subgraphs = after.subgraphs;
    if (after.layout !== before.layout) draft.layout = after.layout;
  });
}
