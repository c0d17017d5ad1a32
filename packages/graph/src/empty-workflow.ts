import { type Workflow, workflowFormat } from './document.ts';

/** A document with nothing in it. */
export function emptyWorkflow(name = 'Untitled'): Workflow {
  return {
    reelgraph: workflowFormat,
    name,
    description: '',
    inputs: {},
    outputs: {},
    nodes: {},
    edges: [],
    subgraphs: {},
    groups: {},
    comments: {},
    layout: { nodes: {} },
  };
}
