import { connectionRule, type Endpoint, type NodeCatalogue, type Workflow } from '@reelgraph/graph';
import { useEditor } from '../app/editor-context.ts';
import { typeOfNode } from '../state/catalogue.ts';
import { connect, disconnect } from '../state/edits.ts';

interface InputPickerProps {
  readonly document: Workflow;
  readonly catalogue: NodeCatalogue;
  readonly input: Endpoint;
  readonly fieldId: string;
}

/** Wires an input without a mouse: a list of the outputs that fit, and none. */
export function InputPicker({ document, catalogue, input, fieldId }: InputPickerProps) {
  const editor = useEditor();
  const present = document.edges.find((edge) => edge.to[0] === input[0] && edge.to[1] === input[1]);
  const rule = connectionRule(document, catalogue, { input });
  const sources = Object.keys(document.nodes).flatMap((id) => {
    const info = typeOfNode(catalogue, document, id);
    return Object.entries(info.outputs).flatMap(([port, portInfo]) => {
      const from: Endpoint = [id, port];
      const now = present?.from[0] === id && present.from[1] === port;
      return now || rule(from).ok
        ? [
            {
              key: from.join(' '),
              from,
              label: `${document.nodes[id]?.title ?? info.title}: ${portInfo.label}`,
            },
          ]
        : [];
    });
  });
  return (
    <select
      id={fieldId}
      className="input-picker"
      data-testid={fieldId}
      value={present ? present.from.join(' ') : ''}
      onChange={(event) => {
        const source = sources.find((candidate) => candidate.key === event.target.value);
        editor.document.edit(source ? 'Connect' : 'Disconnect', (draft) => {
          if (source) connect(draft, source.from, input);
          else if (present) disconnect(draft, present);
        });
      }}
    >
      <option value="">not connected</option>
      {sources.map((source) => (
        <option key={source.key} value={source.key}>
          {source.label}
        </option>
      ))}
    </select>
  );
}
