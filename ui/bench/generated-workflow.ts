/** A workflow of any size for measuring: the same seed gives the same graph. Node types of its own, like real ones. */
import { emptyWorkflow, type NodeTypeInfo, type PortType, type Workflow } from '@reelgraph/graph';

const port = (type: PortType) => ({ type, label: type, description: `A ${type}.` });

function type(
  name: string,
  category: string,
  inputs: readonly PortType[],
  outputs: readonly PortType[],
  params: NodeTypeInfo['params'],
): NodeTypeInfo {
  return {
    type: name,
    version: 1,
    title: name.charAt(0).toUpperCase() + name.slice(1),
    description: `Stands for a node that makes ${outputs.join(' and ') || 'nothing'}.`,
    category,
    synonyms: [],
    inputs: Object.fromEntries(inputs.map((input) => [input, port(input)])),
    outputs: Object.fromEntries(outputs.map((output) => [output, port(output)])),
    params,
    preview: 'none',
    isOutput: outputs.length === 0,
  };
}

const steps = {
  kind: 'integer',
  label: 'Steps',
  description: 'How many.',
  default: 20,
  min: 1,
  max: 200,
} as const;
const scale = {
  kind: 'number',
  label: 'Scale',
  description: 'How much.',
  default: 4,
  min: 0,
  max: 20,
} as const;
const text = {
  kind: 'text',
  label: 'Text',
  description: 'Words.',
  default: 'a red circle',
  multiline: true,
  maxLength: 2000,
} as const;
const seed = { kind: 'seed', label: 'Seed', description: 'Which one.', default: '42' } as const;

export const benchTypes: readonly NodeTypeInfo[] = [
  type('loader', 'Model', [], ['model'], {}),
  type('prompt', 'Conditioning', ['model'], ['conditioning'], { text }),
  type('noise', 'Latent', ['model'], ['noise'], { seed, steps }),
  type('sampler', 'Sampling', ['model', 'conditioning', 'noise'], ['latent'], { steps, scale }),
  type('mixer', 'Latent', ['latent', 'noise'], ['latent'], { scale }),
  type('decoder', 'Latent', ['model', 'latent'], ['frames'], {}),
  type('filter', 'Image', ['frames'], ['frames'], { scale, steps }),
  type('writer', 'Output', ['frames'], [], { steps }),
];

/** A small generator of equal numbers everywhere (mulberry32). */
function random(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** Distance of the grid that the nodes stand on, in px at zoom 1. */
export const cell = { width: 330, height: 260 } as const;

/** Nodes in a grid, each input fed by a near earlier node that gives its type. */
export function generatedWorkflow(count: number): Workflow {
  const next = random(7);
  const columns = Math.ceil(Math.sqrt(count * 0.75));
  const workflow = emptyWorkflow(`${count} nodes`);
  const givers = new Map<string, string[]>();
  for (let index = 0; index < count; index++) {
    const info = benchTypes[index % benchTypes.length];
    if (!info) continue;
    const id = `n${index}`;
    const params = Object.fromEntries(
      Object.entries(info.params).map(([name, param]) => [name, param.default]),
    );
    workflow.nodes[id] = { type: info.type, version: 1, params };
    workflow.layout.nodes[id] = [(index % columns) * cell.width, Math.floor(index / columns) * cell.height];
    for (const input of Object.keys(info.inputs)) {
      const near = givers.get(input)?.slice(-24) ?? [];
      const source = near[Math.floor(next() * near.length)];
      if (source !== undefined) workflow.edges.push({ from: [source, input], to: [id, input] });
    }
    for (const output of Object.keys(info.outputs)) givers.set(output, [...(givers.get(output) ?? []), id]);
  }
  return workflow;
}
