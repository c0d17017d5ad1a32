/**
 * What copy puts on the clipboard: the copied part as a workflow document of its own. So a fragment can be sent to
 * somebody, saved as a file and opened, and any workflow JSON can be pasted.
 */
import { parseWorkflow, type Workflow, workflowFormat } from '@reelgraph/graph';
import { fragmentOf, type GraphFragment } from './edits.ts';

export function clipboardText(workflow: Workflow, ids: Iterable<string>): string {
  const fragment = fragmentOf(workflow, ids);
  const nodes: Record<string, [number, number]> = {};
  for (const [id, [x, y]] of Object.entries(fragment.positions)) nodes[id] = [x, y];
  const document: Workflow = {
    reelgraph: workflowFormat,
    name: `Part of ${workflow.name}`.slice(0, 200),
    description: '',
    inputs: {},
    outputs: {},
    nodes: { ...fragment.nodes },
    edges: [...fragment.edges],
    subgraphs: {},
    groups: {},
    comments: {},
    layout: { nodes },
  };
  return JSON.stringify(document, null, 2);
}

/** The nodes in a clipboard text, or undefined when it is some other text. */
export function fragmentFromClipboard(text: string): GraphFragment | undefined {
  if (!text.trimStart().startsWith('{')) return undefined;
  const parsed = parseWorkflow(text);
  if (!parsed.ok || Object.keys(parsed.workflow.nodes).length === 0) return undefined;
  const { nodes, edges, layout } = parsed.workflow;
  return { nodes, edges, positions: layout.nodes };
}
