/** What the inspector shows of the workflow as a whole: what it is for, and the settings it offers by name. */
import type { GraphIssue, NodeTypeInfo, Workflow } from '@reelgraph/graph';
import { useEditor } from '../app/editor-context.ts';
import { ParamControl } from '../controls/param-control.tsx';
import { useObservable } from '../state/observable.ts';

export function WorkflowInspector({ document }: { document: Workflow }) {
  const editor = useEditor();
  const catalogue = useObservable(editor.catalogue);
  const issues = useObservable(editor.check).issues;
  return (
    <div className="inspector" data-testid="inspector">
      <h2>{document.name}</h2>
      <label className="visually-hidden" htmlFor="workflow-description">
        Description of the workflow
      </label>
      <textarea
        id="workflow-description"
        rows={3}
        placeholder="What is this workflow for?"
        value={document.description}
        onChange={(event) => {
          const text = event.target.value;
          editor.document.edit(
            'Describe workflow',
            (draft) => {
              draft.description = text;
            },
            { mergeKey: 'description' },
          );
        }}
        onBlur={() => editor.document.seal()}
      />
      <ExposedInputs document={document} catalogue={catalogue} issues={issues} />
      <p className="param-help">
        {counted(Object.keys(document.nodes).length, 'node')}, {counted(document.edges.length, 'wire')}.
        Select a node to see all about it.
      </p>
    </div>
  );
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Where the workflow only says at greater length what the node says, one name for one thing is better. */
function labelOf(given: string, own: string): string {
  return given === '' || given.toLowerCase().startsWith(own.toLowerCase()) ? own : given;
}

/** The settings the workflow offers by name: enough to use it without reading its wires. */
function ExposedInputs({
  document,
  catalogue,
  issues,
}: {
  document: Workflow;
  catalogue: ReadonlyMap<string, NodeTypeInfo>;
  issues: readonly GraphIssue[];
}) {
  const fields = Object.entries(document.inputs).flatMap(([name, input]) => {
    const node = document.nodes[input.node];
    const info = node && catalogue.get(node.type)?.params[input.param];
    return node && info
      ? [{ name, input, node, info: { ...info, label: labelOf(input.label, info.label) } }]
      : [];
  });
  if (fields.length === 0) return null;
  return (
    <section>
      <h3>Settings</h3>
      {fields.map(({ name, input, node, info }) => (
        <ParamControl
          key={name}
          nodeId={input.node}
          param={input.param}
          info={info}
          value={node.params[input.param] ?? info.default}
          problem={issues.find((issue) => issue.nodeId === input.node && issue.param === input.param)}
          compact={false}
        />
      ))}
    </section>
  );
}
