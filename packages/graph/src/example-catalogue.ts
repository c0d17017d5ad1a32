/** Node types for tests: small, but with every kind of port and param a rule looks at. */
import type { Workflow } from './document.ts';
import type { NodeCatalogue, NodeTypeInfo, ParamInfo } from './node-type.ts';
import type { PortType } from './port-types.ts';

type Ports = Record<string, PortType | [PortType, 'optional']>;

function nodeType(
  type: string,
  inputs: Ports,
  outputs: Ports,
  params: Record<string, ParamInfo> = {},
  isOutput = false,
): NodeTypeInfo {
  const ports = (map: Ports): NodeTypeInfo['inputs'] =>
    Object.fromEntries(
      Object.entries(map).map(([name, port]) => [
        name,
        typeof port === 'string'
          ? { type: port, label: name, description: '' }
          : { type: port[0], label: name, description: '', optional: true },
      ]),
    );
  return {
    type,
    version: 2,
    title: type,
    description: '',
    category: 'Test',
    synonyms: [],
    inputs: ports(inputs),
    outputs: ports(outputs),
    params,
    preview: 'none',
    isOutput,
  };
}

const text = { label: 'Text', description: '' };

/** `source` gives a latent, `step` turns one into another, `join` takes two, `sink` is an output. */
export const exampleCatalogue: NodeCatalogue = new Map(
  [
    nodeType(
      'source',
      {},
      { latent: 'latent' },
      {
        seed: { ...text, kind: 'seed', default: '0' },
        size: { ...text, label: 'Size', kind: 'integer', default: 64, min: 16, max: 256, unit: 'px' },
        scale: { ...text, kind: 'number', default: 1, min: 0, max: 2 },
      },
    ),
    nodeType(
      'step',
      { latent: 'latent' },
      { latent: 'latent' },
      {
        mode: {
          ...text,
          kind: 'choice',
          default: 'fast',
          options: [
            { value: 'fast', label: 'Fast' },
            { value: 'good', label: 'Good' },
          ],
        },
        on: { ...text, kind: 'boolean', default: true },
      },
    ),
    nodeType('join', { first: 'latent', second: ['latent', 'optional'] }, { latent: 'latent' }),
    nodeType(
      'write',
      {},
      { text: 'text' },
      {
        text: { ...text, kind: 'text', default: '', multiline: false, maxLength: 20, required: true },
        model: { ...text, kind: 'model', default: 'toybox' },
        file: { ...text, kind: 'file', default: '', accept: 'image' },
      },
    ),
    nodeType('sink', { latent: 'latent' }, {}, {}, true),
  ].map((info): [string, NodeTypeInfo] => [info.type, info]),
);

/** A workflow from `id: type` and `from.port -> to.port` lines; everything else is empty unless given. */
export function exampleWorkflow(
  nodes: Record<string, string | Partial<Workflow['nodes'][string]>>,
  edges: readonly string[] = [],
  rest: Partial<Workflow> = {},
): Workflow {
  return {
    reelgraph: 1,
    name: 'Example',
    description: '',
    inputs: {},
    outputs: {},
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([id, node]) => [
        id,
        { type: 'step', version: 2, params: {}, ...(typeof node === 'string' ? { type: node } : node) },
      ]),
    ),
    edges: edges.map(exampleEdge),
    subgraphs: {},
    groups: {},
    comments: {},
    layout: { nodes: {} },
    ...rest,
  };
}

/** An edge from its drawing, `a.out -> b.in`. */
export function exampleEdge(line: string): Workflow['edges'][number] {
  const match = /^(\w+)\.(\w+) -> (\w+)\.(\w+)$/.exec(line);
  const [, from, output, to, input] = match ?? [];
  if (from === undefined || output === undefined || to === undefined || input === undefined)
    throw new Error(`not an edge: ${line}`);
  return { from: [from, output], to: [to, input] };
}
