/** Node types and a workflow small enough to draw, shared by tests. */
import type { NodeCatalogue, NodeTypeInfo, PortType, Workflow } from '@reelgraph/graph';
import { emptyWorkflow } from '@reelgraph/graph';
import { catalogueOf } from '../state/catalogue.ts';

function ports(types: Readonly<Record<string, PortType>>): NodeTypeInfo['inputs'] {
  return Object.fromEntries(
    Object.entries(types).map(([name, type]) => [name, { type, label: name, description: '' }]),
  );
}

export function nodeType(part: Partial<NodeTypeInfo> & { type: string }): NodeTypeInfo {
  return {
    version: 1,
    title: part.type,
    description: '',
    category: 'Test',
    synonyms: [],
    inputs: {},
    outputs: {},
    params: {},
    preview: 'none',
    isOutput: false,
    ...part,
  };
}

export const smallCatalogue: NodeCatalogue = catalogueOf([
  nodeType({
    type: 'noise',
    outputs: ports({ latent: 'latent' }),
    params: { seed: { kind: 'seed', label: 'Seed', description: '', default: '1' } },
  }),
  nodeType({
    type: 'denoise',
    inputs: ports({ latent: 'latent' }),
    outputs: ports({ latent: 'latent' }),
    params: { steps: { kind: 'integer', label: 'Steps', description: '', default: 20, min: 1, max: 100 } },
    preview: 'progress',
  }),
  nodeType({ type: 'decode', inputs: ports({ latent: 'latent' }), outputs: ports({ frames: 'frames' }) }),
  nodeType({ type: 'write', inputs: ports({ frames: 'frames' }), isOutput: true }),
]);

/** noise ─→ denoise ─→ decode ─→ write, 300 px apart */
export function chain(): Workflow {
  const workflow = emptyWorkflow('Chain');
  const node = (type: string, params = {}) => ({ type, version: 1, params });
  return {
    ...workflow,
    nodes: {
      noise: node('noise', { seed: '1' }),
      denoise: node('denoise', { steps: 20 }),
      decode: node('decode'),
      write: node('write'),
    },
    edges: [
      { from: ['noise', 'latent'], to: ['denoise', 'latent'] },
      { from: ['denoise', 'latent'], to: ['decode', 'latent'] },
      { from: ['decode', 'frames'], to: ['write', 'frames'] },
    ],
    layout: { nodes: { noise: [0, 0], denoise: [300, 0], decode: [600, 0], write: [900, 0] } },
  };
}
