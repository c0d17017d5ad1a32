/** A summary of several selected nodes. */
import type { Workflow } from '@reelgraph/graph';
import { tidy } from '../actions/graph-actions.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { typeOfNode } from '../state/catalogue.ts';
import { useObservable } from '../state/observable.ts';
import { NodeActions } from './node-actions.tsx';

export function SelectionInspector({ ids, document }: { ids: readonly string[]; document: Workflow }) {
  const editor = useEditor();
  const catalogue = useObservable(editor.catalogue);
  const counts = new Map<string, number>();
  for (const id of ids) {
    const { title } = typeOfNode(catalogue, document, id);
    counts.set(title, (counts.get(title) ?? 0) + 1);
  }
  return (
    <div className="inspector" data-testid="inspector">
      <h2>{ids.length} nodes</h2>
      <NodeActions />
      <button type="button" onClick={() => tidy(editor)}>
        <Icon name="layout" size={14} /> Tidy these
      </button>
      <ul className="plain-list">
        {[...counts].map(([title, count]) => (
          <li key={title}>
            {title} {count > 1 && <small>× {count}</small>}
          </li>
        ))}
      </ul>
    </div>
  );
}
