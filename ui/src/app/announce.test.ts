import { createClient } from '@reelgraph/client';
import type { RunEventBody, Workflow } from '@reelgraph/graph';
import { expect, it } from 'vitest';
import { startRun } from '../actions/running.ts';
import { memoryStorage } from '../state/browser-storage.ts';
import { DraftDrawer } from '../state/draft-drawer.ts';
import { smallCatalogue as catalogue, chain } from '../testing/small-graph.ts';
import { announceRuns } from './announce.ts';
import { Editor } from './editor.ts';

const forecast = { nodes: {}, unknown: [] };

/** An editor that follows run "r" of a document with two ends behind `decode`, which it started. */
async function editorWithRun({ answerForecast = Promise.resolve() } = {}) {
  const client = {
    ...createClient({ baseUrl: 'http://127.0.0.1:1' }),
    startRun: async () => ({ runId: 'r' }),
    estimate: async () => {
      await answerForecast;
      return { forecast, issues: [] };
    },
  };
  const { nodes, edges, ...rest } = chain();
  const workflow: Workflow = {
    ...rest,
    nodes: { ...nodes, copy: { type: 'write', version: 1, params: {}, title: 'Copy' } },
    edges: [...edges, { from: ['decode', 'frames'], to: ['copy', 'frames'] }],
  };
  const drafts = new DraftDrawer(memoryStorage(), memoryStorage());
  const editor = new Editor({ client, workflow, drafts });
  editor.catalogue.set(catalogue);
  announceRuns(editor);
  let seq = 0;
  const tell = (...bodies: RunEventBody[]): void => {
    for (const body of bodies) {
      seq += 1;
      editor.runs.event({ ...body, runId: 'r', seq, atMs: seq });
    }
  };
  tell({ type: 'run.queued', workflowName: 'Chain' });
  await startRun(editor);
  const nodeIds = Object.keys(workflow.nodes);
  tell({ type: 'run.started', nodeIds });
  const done = (nodeId: string) => ({ type: 'node.finished', nodeId, durationMs: 1, outputs: {} }) as const;
  tell(done('noise'), done('denoise'), done('decode'));
  return { editor, tell, done };
}

it('a run in part tells what it delivered and what it could not', async () => {
  const { editor, tell, done } = await editorWithRun();
  const error = { code: 'store/disk-full', message: 'The disk is full.' };
  tell(done('write'), { type: 'node.failed', nodeId: 'copy', error });
  tell({ type: 'run.finished', status: 'partial', durationMs: 1, error });
  expect(editor.notices.get()).toMatchObject([
    {
      tone: 'bad',
      text: 'The run of Chain finished in part: it failed at one node.',
      hint: 'Delivered: write. Not delivered: Copy.',
      action: { label: 'Show' },
    },
  ]);
});

it('a run that failed at several nodes says how many', async () => {
  const { editor, tell } = await editorWithRun();
  const error = { code: 'store/disk-full', message: 'The disk is full.' };
  tell({ type: 'node.failed', nodeId: 'write', error }, { type: 'node.failed', nodeId: 'copy', error });
  tell({ type: 'run.finished', status: 'failed', durationMs: 1, error });
  expect(editor.notices.get()).toMatchObject([
    { text: 'The run failed at 2 nodes.', hint: 'Not delivered: write, Copy.' },
  ]);
});

it('what a run was expected to take is forgotten with its end', async () => {
  const { editor, tell } = await editorWithRun();
  expect(editor.expected.get('r')).toEqual(forecast);
  tell({ type: 'run.finished', status: 'succeeded', durationMs: 1 });
  expect(editor.expected.size).toBe(0);
});

it('a forecast that comes after the end of its run is for nobody', async () => {
  const late = Promise.withResolvers<void>();
  const { editor, tell } = await editorWithRun({ answerForecast: late.promise });
  tell({ type: 'run.finished', status: 'succeeded', durationMs: 1 });
  late.resolve();
  await new Promise((resolve) => setTimeout(resolve));
  expect(editor.expected.size).toBe(0);
});
