/** Everything about the selected node; a summary for several; the workflow itself for none. */
import type { NodeTypeInfo, PortFacts, PortInfo, Workflow, WorkflowNode } from '@reelgraph/graph';
import { deleteSelection, duplicateSelection, tidy, toggleMode } from '../actions/graph-actions.ts';
import { startRun } from '../actions/running.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { ParamControl } from '../controls/param-control.tsx';
import { useNodeIssues, useNodeRun } from '../nodes/node-state.ts';
import { describeNode } from '../state/catalogue.ts';
import { formatDuration } from '../state/durations.ts';
import { setTitle } from '../state/edits.ts';
import { factsLabel } from '../state/facts-label.ts';
import { useObservable } from '../state/observable.ts';
import { categoryHue } from '../styles/theme.ts';
import { IssueList } from './issue-list.tsx';

export function InspectorPanel() {
  const editor = useEditor();
  const { nodes } = useObservable(editor.selection);
  const document = useObservable(editor.document);
  const [only] = nodes;
  if (nodes.size === 1 && only !== undefined) {
    const node = document.nodes[only];
    if (node) return <NodeInspector key={only} id={only} node={node} document={document} />;
  }
  if (nodes.size > 1) return <ManyInspector ids={[...nodes]} document={document} />;
  return <WorkflowInspector document={document} />;
}

function NodeInspector({ id, node, document }: { id: string; node: WorkflowNode; document: Workflow }) {
  const editor = useEditor();
  const catalogue = useObservable(editor.catalogue);
  const check = useObservable(editor.check);
  const run = useNodeRun(id);
  const issues = useNodeIssues(id);
  const info = describeNode(catalogue, document, id);
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
              problem={issues.find((issue) => issue.param === param)?.message}
              compact={false}
            />
          ))}
        </section>
      )}
      <PortSection
        title="Inputs"
        ports={info.inputs}
        sources={sourcesOf(document, catalogueTitles(document, catalogue), id)}
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
            {run.source && (
              <>
                <dt>Taken from</dt>
                <dd>cache {run.source === 'disk' ? 'on disk' : 'in memory'}</dd>
              </>
            )}
            {run.because && (
              <>
                <dt>It ran because</dt>
                <dd>
                  {run.because.code.replaceAll('-', ' ')}
                  {run.because.name ? `: ${run.because.name}` : ''}
                </dd>
              </>
            )}
            {Object.entries(run.outputs ?? {}).map(([port, output]) => (
              <OutputFact
                key={port}
                label={info.outputs[port]?.label ?? port}
                text={output.text ?? factsLabel(output.facts)}
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

function NodeActions({ single, mode }: { single?: string; mode?: WorkflowNode['mode'] }) {
  const editor = useEditor();
  return (
    <div className="node-actions" role="toolbar" aria-label="Actions on the selection">
      {single !== undefined && (
        <button
          type="button"
          title="Run only what this node needs"
          onClick={() => void startRun(editor, [single])}
        >
          <Icon name="play" size={12} /> Run to here
        </button>
      )}
      <button
        type="button"
        aria-pressed={mode === 'muted'}
        onClick={() => toggleMode(editor, 'muted')}
        title="Not run, nor what needs it (M)"
      >
        Mute
      </button>
      <button
        type="button"
        aria-pressed={mode === 'bypassed'}
        onClick={() => toggleMode(editor, 'bypassed')}
        title="Inputs pass to outputs of the same type (B)"
      >
        Bypass
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Duplicate"
        title="Duplicate (Ctrl D)"
        onClick={() => duplicateSelection(editor)}
      >
        <Icon name="copy" size={14} />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Delete"
        title="Delete (Del)"
        onClick={() => deleteSelection(editor)}
      >
        <Icon name="trash" size={14} />
      </button>
    </div>
  );
}

interface PortSectionProps {
  readonly title: string;
  readonly ports: Readonly<Record<string, PortInfo>>;
  readonly sources?: ReadonlyMap<string, string>;
  readonly facts?: Readonly<Record<string, PortFacts>>;
}

function PortSection({ title, ports, sources, facts }: PortSectionProps) {
  const entries = Object.entries(ports);
  if (entries.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul className="port-list">
        {entries.map(([name, port]) => (
          <li key={name}>
            <p>
              <span className="port-dot" style={{ background: `var(--port-${port.type})` }} />
              <strong>{port.label}</strong>
              <small>{port.optional ? `${port.type}, optional` : port.type}</small>
              <span className="port-end">
                {sources?.get(name) ?? (facts?.[name] ? factsLabel(facts[name]) : '')}
              </span>
            </p>
            <p className="param-help">{port.description}</p>
          </li>
        ))}
      </ul>
    </section>
  );
}

function catalogueTitles(
  document: Workflow,
  catalogue: ReadonlyMap<string, NodeTypeInfo>,
): (id: string) => string {
  return (id) => document.nodes[id]?.title ?? describeNode(catalogue, document, id).title;
}

/** By input port: the title of the node that feeds it. */
function sourcesOf(document: Workflow, titleOf: (id: string) => string, id: string): Map<string, string> {
  return new Map(
    document.edges
      .filter((edge) => edge.to[0] === id)
      .map((edge) => [edge.to[1], `← ${titleOf(edge.from[0])}`]),
  );
}

function ManyInspector({ ids, document }: { ids: readonly string[]; document: Workflow }) {
  const editor = useEditor();
  const catalogue = useObservable(editor.catalogue);
  const counts = new Map<string, number>();
  for (const id of ids) {
    const { title } = describeNode(catalogue, document, id);
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

function WorkflowInspector({ document }: { document: Workflow }) {
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

/** The settings the workflow offers by name: enough to use it without reading its wires. */
function ExposedInputs({
  document,
  catalogue,
  issues,
}: {
  document: Workflow;
  catalogue: ReadonlyMap<string, NodeTypeInfo>;
  issues: readonly { nodeId?: string | undefined; param?: string | undefined; message: string }[];
}) {
  const fields = Object.entries(document.inputs).flatMap(([name, input]) => {
    const node = document.nodes[input.node];
    const info = node && catalogue.get(node.type)?.params[input.param];
    return node && info ? [{ name, input, node, info: { ...info, label: input.label || info.label } }] : [];
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
          problem={
            issues.find((issue) => issue.nodeId === input.node && issue.param === input.param)?.message
          }
          compact={false}
        />
      ))}
    </section>
  );
}
