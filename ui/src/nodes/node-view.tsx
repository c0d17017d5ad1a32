/** A node in the DOM. Sizes and places come from `nodeGeometry`; nothing in here may change the node's height. */
import type { GraphIssue } from '@reelgraph/graph';
import { type CSSProperties, memo } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { ParamControl } from '../controls/param-control.tsx';
import { nodeGeometry } from '../layout/geometry.ts';
import { typeOfNode } from '../state/catalogue.ts';
import { useObservable, useSelected } from '../state/observable.ts';
import { categoryHue } from '../styles/theme.ts';
import { LivePreview } from './live-preview.tsx';
import { NodeHeader } from './node-header.tsx';
import { NodePreview } from './node-preview.tsx';
import { useNodeIssues, useNodeRun } from './node-state.ts';
import { NodeTrouble } from './node-trouble.tsx';
import { SocketView } from './socket-view.tsx';

export const NodeView = memo(function NodeView({ id }: { id: string }) {
  const editor = useEditor();
  const catalogue = useObservable(editor.catalogue);
  const node = useSelected(editor.document, (document) => document.nodes[id]);
  const info = useSelected(editor.document, (document) => typeOfNode(catalogue, document, id));
  const wired = useSelected(editor.document, (document) => wiredPorts(document.edges, id));
  const selected = useSelected(editor.selection, (selection) => selection.nodes.has(id));
  const issues = useNodeIssues(id);
  const run = useNodeRun(id);
  const spared = useSelected(editor.spared, (nodes) => nodes.has(id));
  if (!node) return null;
  const geometry = nodeGeometry(info);
  const known = catalogue.has(node.type);
  const status = spared ? 'spared' : (run?.status ?? 'none');
  const hasError = status === 'failed' || !known || issues.some((issue) => issue.severity === 'error');
  const hasWarning = issues.some((issue) => issue.severity === 'warning');
  const problemOf = (port: string): GraphIssue | undefined => issues.find((issue) => issue.port === port);
  const classes = [
    'node',
    `run-${status}`,
    node.mode ?? '',
    selected ? 'selected' : '',
    hasError ? 'has-error' : '',
    hasWarning ? 'has-warning' : '',
  ];
  return (
    <section
      className={classes.filter(Boolean).join(' ')}
      style={{ '--hue': categoryHue(info.category), height: geometry.height } as CSSProperties}
      aria-label={describe(node.title ?? info.title, status, issues.length)}
      data-testid={`node-${id}`}
      data-node-type={node.type}
      data-status={status}
      onFocusCapture={() => {
        if (!editor.selection.get().nodes.has(id)) editor.selection.only([id]);
      }}
    >
      <NodeHeader id={id} info={info} node={node} run={run} />
      <div className="ports">
        <ul className="inputs">
          {geometry.inputs.map((name) => {
            const port = info.inputs[name];
            return port ? (
              <li key={name}>
                <SocketView
                  nodeId={id}
                  side="input"
                  name={name}
                  port={port}
                  connected={wired.includes(`>${name} `)}
                  problem={problemOf(name)}
                />
                <span className="port-label">{port.label}</span>
              </li>
            ) : null;
          })}
        </ul>
        <ul className="outputs">
          {geometry.outputs.map((name) => {
            const port = info.outputs[name];
            return port ? (
              <li key={name}>
                <span className="port-label">{port.label}</span>
                <SocketView
                  nodeId={id}
                  side="output"
                  name={name}
                  port={port}
                  connected={wired.includes(`<${name} `)}
                  problem={undefined}
                />
              </li>
            ) : null;
          })}
        </ul>
      </div>
      <div className="controls">
        {geometry.controls.map(({ param, height }) => {
          const paramInfo = info.params[param];
          return paramInfo ? (
            <div key={param} className="control-place" style={{ height }}>
              <ParamControl
                nodeId={id}
                param={param}
                info={paramInfo}
                value={node.params[param] ?? paramInfo.default}
                problem={issues.find((issue) => issue.param === param)}
                compact
              />
            </div>
          ) : null;
        })}
        {geometry.hiddenParams > 0 && (
          <button
            type="button"
            className="more-params"
            onClick={() => editor.panel.set({ open: true, tab: 'inspector' })}
          >
            {geometry.hiddenParams} more in the inspector
          </button>
        )}
      </div>
      {geometry.preview && info.live ? (
        <LivePreview id={id} info={info} live={info.live} run={run} height={geometry.preview.height} />
      ) : (
        geometry.preview && <NodePreview id={id} info={info} run={run} height={geometry.preview.height} />
      )}
      <NodeTrouble id={id} run={run} issues={issues} known={known} type={node.type} />
    </section>
  );
});

/** Ports of a node that have a wire, as one text so that equal answers are equal values: `>in <out`. */
function wiredPorts(
  edges: readonly { from: readonly string[]; to: readonly string[] }[],
  id: string,
): string {
  let ports = '';
  for (const edge of edges) {
    if (edge.to[0] === id) ports += `>${edge.to[1]} `;
    if (edge.from[0] === id) ports += `<${edge.from[1]} `;
  }
  return ports;
}

function describe(title: string, status: string, issueCount: number): string {
  const parts = [title];
  if (status !== 'none') parts.push(status);
  if (issueCount > 0) parts.push(`${issueCount} ${issueCount === 1 ? 'problem' : 'problems'}`);
  return parts.join(', ');
}
