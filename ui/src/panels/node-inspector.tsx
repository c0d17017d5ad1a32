/** Everything about one node. */
import type { Workflow, WorkflowNode } from '@reelgraph/graph';
import { Fragment } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { ParamControl } from '../controls/param-control.tsx';
import { useNodeIssues, useNodeRun } from '../nodes/node-state.ts';
import { typeOfNode } from '../state/catalogue.ts';
import { setTitle } from '../state/edits.ts';
import { useObservable } from '../state/observable.ts';
import { runFacts } from '../state/run-facts.ts';
import { categoryHue } from '../styles/theme.ts';
import { InputPicker } from './input-picker.tsx';
import { IssueList } from './issue-list.tsx';
import { NodeActions } from './node-actions.tsx';
import { NodeForecastSection } from './node-forecast.tsx';
import { PortSection } from './port-section.tsx';

export function NodeInspector({
  id,
  node,
  document,
}: {
  id: string;
  node: WorkflowNode;
  document: Workflow;
}) {
  const editor = useEditor();
  const catalogue = useObservable(editor.catalogue);
  const check = useObservable(editor.check);
  const run = useNodeRun(id);
  const issues = useNodeIssues(id);
  const info = typeOfNode(catalogue, document, id);
  return (
    <div className="inspector" data-testid="inspector" data-inspected={id}>
      <input
        className="inspector-title"
        aria-label="Title of the node"
        value={node.title ?? info.title}
        maxLength={200}
        onChange={(event) => {
          const title = event.target.value;
          editor.document.edit(
            'Rename node',
            (draft) => {
              setTitle(draft, id, title === info.title ? '' : title);
            },
            { mergeKey: `title ${id}` },
          );
        }}
        onBlur={() => editor.document.seal()}
      />
      <p className="inspector-type">
        <span className="hue" style={{ background: categoryHue(info.category) }} />
        {info.category} · {info.title} <code>{id}</code>
      </p>
      <p className="description">{info.description}</p>
      <NodeActions single={id} mode={node.mode} />
      {issues.length > 0 && <IssueList issues={issues} />}
      {Object.keys(info.params).length > 0 && (
        <section>
          <h3>Settings</h3>
          {Object.entries(info.params).map(([param, paramInfo]) => (
            <ParamControl
              key={param}
              nodeId={id}
              param={param}
              info={paramInfo}
              value={node.params[param] ?? paramInfo.default}
              problem={issues.find((issue) => issue.param === param)}
              compact={false}
            />
          ))}
        </section>
      )}
      <NodeForecastSection id={id} />
      <PortSection
        title="Inputs"
        ports={info.inputs}
        idPrefix={`wire-${id}`}
        picker={(port, fieldId) => (
          <InputPicker fieldId={fieldId} document={document} catalogue={catalogue} input={[id, port]} />
        )}
      />
      <PortSection title="Outputs" ports={info.outputs} facts={check.facts[id] ?? {}} />
      {run && (
        <section>
          <h3>In the last run</h3>
          <dl className="facts">
            {runFacts(run, info).map(({ label, text, explanation }) => (
              <Fragment key={label}>
                <dt>{label}</dt>
                <dd title={explanation}>{text}</dd>
              </Fragment>
            ))}
          </dl>
        </section>
      )}
    </div>
  );
}
