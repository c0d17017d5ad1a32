import { emptyWorkflow, type FileSummary, type NodeRunState } from '@reelgraph/graph';
import { expect, it } from 'vitest';
import { resultFiles } from './save-results.ts';

it('a file is saved under the name that the node at the end gave it, once', () => {
  const workflow = emptyWorkflow('two clips');
  const nodes: Record<string, NodeRunState> = {};
  for (const name of ['take', 'drafts']) {
    const file: FileSummary = {
      digest: name.repeat(3),
      mediaType: 'video/mp4',
      byteLength: 1,
      name: 'clip.mp4',
    };
    workflow.outputs[name] = { node: `mux-${name}`, port: 'video', label: name };
    workflow.edges.push({ from: [`mux-${name}`, 'video'], to: [`save-${name}`, 'video'] });
    nodes[`mux-${name}`] = { status: 'finished', outputs: { video: { type: 'video', facts: {}, file } } };
    const named = { ...file, name: `${name}.mp4` };
    nodes[`save-${name}`] = {
      status: 'finished',
      outputs: { video: { type: 'video', facts: {}, file: named } },
    };
  }
  const files = resultFiles(workflow, {
    runId: 'r',
    workflowName: 'two clips',
    status: 'succeeded',
    lastSeq: 0,
    nodes,
  });
  expect(files.map(({ name, file }) => [name, file.name])).toEqual([
    ['take', 'take.mp4'],
    ['drafts', 'drafts.mp4'],
  ]);
});
