/**
 * The workflow as a list in running order: all that the canvas shows, for people who do not see it or do not use a
 * mouse. Nodes can be chosen, and each input wired through a list of the outputs that fit.
 */
import { topologicalOrder, type Workflow } from '@reelgraph/graph';
import { useMemo } from 'react';
import { jumpToNode } from '../actions/graph-actions.ts';
import { useEditor } from '../app/editor-context.ts';
import { typeOfNode } from '../state/catalogue.ts';
import { useObservable } from '../state/observable.ts';
import { categoryHue } from '../styles/theme.ts';
import { InputPicker } from './input-picker.tsx';

/** Rows shown; far more would make the page slow and nobody reads them, the palette finds the rest. */
const longestList = 400;

export function OutlinePanel() {
  const editor = useEditor();
  const document = useObservable(editor.document);
  const catalogue = useObservable(editor.catalogue);
  const run = useObservable(editor.runs.shown);
  const { nodes: selected } = useObservable(editor.selection);
  const order = useMemo(() => runningOrder(document), [document]);
  if (order.length === 0)
    return <p className="nothing">The workflow is empty. Press Tab on the canvas to add a node.</p>;
  return (
    <ol className="outline" aria-label="Nodes in running order">
      {order.slice(0, longestList).map((id) => {
        const info = typeOfNode(catalogue, document, id);
        const title = document.nodes[id]?.title ?? info.title;
        const status = run?.nodes[id]?.status;
        const isSelected = selected.has(id);
        return (
          <li key={id} className={isSelected ? 'selected' : ''}>
            <button type="button" aria-pressed={isSelected} onClick={() => jumpToNode(editor, id)}>
              <span className="hue" style={{ background: categoryHue(info.category) }} />
              {title}
              <small>{status ?? id}</small>
            </button>
            {isSelected &&
              Object.entries(info.inputs).map(([port, portInfo]) => (
                <p key={port} className="outline-input">
                  <label htmlFor={`outline-${id}-${port}`}>
                    {portInfo.label} <small>{portInfo.type}</small>
                  </label>
                  <InputPicker
                    fieldId={`outline-${id}-${port}`}
                    document={document}
                    catalogue={catalogue}
                    input={[id, port]}
                  />
                </p>
              ))}
          </li>
        );
      })}
      {order.length > longestList && (
        <li className="nothing">{order.length - longestList} more; find them with Ctrl K.</li>
      )}
    </ol>
  );
}

function runningOrder(document: Workflow): string[] {
  const ids = Object.keys(document.nodes);
  const edges = document.edges.filter((edge) => document.nodes[edge.from[0]] && document.nodes[edge.to[0]]);
  const result = topologicalOrder(ids, edges);
  return result.ok ? [...result.order] : ids;
}
