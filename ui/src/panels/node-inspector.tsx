/** Everything about one node. */
import { bytesText, type Workflow, type WorkflowNode } from '@reelgraph/graph';
import { useEditor } from '../app/editor-context.ts';
import { ParamControl } from '../controls/param-control.tsx';
import { useNodeIssues, useNodeRun } from '../nodes/node-state.ts';
import { typeOfNode } from '../state/catalogue.ts';
import { formatDuration } from '../state/durations.ts';
import { setTitle } from '../state/edits.ts';
import { factsInFull } from '../state/facts-label.ts';
import { useObservable } from '../state/observable.ts';
import { whyItRan } from '../state/why-it-ran.ts';
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
            <dt>State</dt>
            <dd>{run.status}</dd>
            {run.durationMs !== undefined && (
              <>
                <dt>Time</dt>
                <dd>{formatDuration(run.durationMs)}</dd>
              </>
            )}
            {run.waitedMs !== undefined && (
              <>
                <dt>Waited</dt>
                <dd>
                  {formatDuration(run.waitedMs)} for its turn
                  {run.lane === undefined ? '' : ` in lane ${run.lane}`}
                </dd>
              </>
            )}
            {run.peakResidentBytes !== undefined && (
              <>
                <dt>Peak memory</dt>
                <dd title="Of the whole process that ran it: loaded models, the cache and nodes beside it are in it.">
                  {bytesText(run.peakResidentBytes)} of its process
                </dd>
              </>
            )}
            {run.source && (
              <>
                <dt>Taken from</dt>
                <dd>cache {run.source === 'disk' ? 'on disk' : 'in memory'}</dd>
              </>
            )}
            {run.because && (
              <>
                <dt>It ran</dt>
                <dd>{whyItRan(run.because, info)}</dd>
              </>
            )}
            {run.continuedFrom !== undefined && (
              <>
                <dt>Continued</dt>
                <dd>from step {run.continuedFrom} of an interrupted run</dd>
              </>
            )}
            {Object.entries(run.outputs ?? {}).map(([port, output]) => (
              <OutputFact
                key={port}
                label={info.outputs[port]?.label ?? port}
                text={output.text ?? factsInFull(output.facts)}
              />
            ))}
          </dl>
        </section>
      )}
    </div>
  );
}

function OutputFact({ label, text }: { label: string; text: string }) {
  if (text === '') return null;
  return (
    <>
      <dt>{label}</dt>
      <dd>{text}</dd>
    </>
  );
}
