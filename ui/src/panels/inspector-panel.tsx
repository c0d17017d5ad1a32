/** Everything about the selected node; a summary for several; the workflow itself for none. */
import { useEditor } from '../app/editor-context.ts';
import { useObservable } from '../state/observable.ts';
import { NodeInspector } from './node-inspector.tsx';
import { SelectionInspector } from './selection-inspector.tsx';
import { WorkflowInspector } from './workflow-inspector.tsx';

export function InspectorPanel() {
  const editor = useEditor();
  const { nodes } = useObservable(editor.selection);
  const document = useObservable(editor.document);
  const [only] = nodes;
  if (nodes.size === 1 && only !== undefined) {
    const node = document.nodes[only];
    if (node) return <NodeInspector key={only} id={only} node={node} document={document} />;
  }
  if (nodes.size > 1) return <SelectionInspector ids={[...nodes]} document={document} />;
  return <WorkflowInspector document={document} />;
}
