/** Carries out the one-click repair that an issue offers. */
import type { GraphFix } from '@reelgraph/graph';
import type { Editor } from '../app/editor.ts';
import { disconnect, setParam } from '../state/edits.ts';

export function applyFix(editor: Editor, fix: GraphFix): void {
  editor.document.edit(fix.label, (draft) => {
    if (fix.kind === 'set-param') setParam(draft, fix.nodeId, fix.param, fix.value);
    else disconnect(draft, fix);
  });
}
