/** Carries out the one-click repair that an issue offers. */
import { applyFix as fixed, type GraphFix } from '@reelgraph/graph';
import type { Editor } from '../app/editor.ts';
import { nodeGeometry } from '../layout/geometry.ts';
import { typeOfNode } from '../state/catalogue.ts';
import { freePlace } from './graph-actions.ts';

/** One step of undo. Nodes that are added are put where they cover no other, and are selected. */
export function applyFix(editor: Editor, fix: GraphFix): void {
  const before = editor.document.get();
  const after = fixed(before, fix);
  const added = Object.keys(after.nodes).filter((id) => before.nodes[id] === undefined);
  const places = { ...after.layout.nodes };
  for (const id of added) {
    const size = nodeGeometry(typeOfNode(editor.catalogue.get(), after, id));
    const [x, y] = freePlace(editor, places[id] ?? [0, 0], size);
    places[id] = [x, y];
  }
  editor.document.edit(fix.label, (draft) => {
    if (after.nodes !== before.nodes) draft.nodes = after.nodes;
    if (after.edges !== before.edges) draft.edges = after.edges;
    if (after.subgraphs !== before.subgraphs) draft.subgraphs = after.subgraphs;
    if (added.length > 0) draft.layout.nodes = places;
  });
  if (added.length > 0) editor.selection.only(added);
}
