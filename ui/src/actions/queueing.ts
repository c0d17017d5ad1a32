/** Ordering, pausing and repeating runs. The server answers with the queue as it then is, and tells everybody else. */
import { ApiError } from '@reelgraph/client';
import type { QueueSummary } from '@reelgraph/protocol';
import type { Editor } from '../app/editor.ts';
import { explain } from './explain.ts';
import { jumpToNode } from './graph-actions.ts';

/** Does what a button says, and tells why when it could not be done. */
async function attempt(editor: Editor, work: () => Promise<void>, failed: string): Promise<void> {
  editor.notices.settle('run');
  try {
    await work();
  } catch (error) {
    const nodeId =
      error instanceof ApiError
        ? error.issues.find((issue) => issue.nodeId !== undefined)?.nodeId
        : undefined;
    editor.notices.add({ tone: 'bad', about: 'run', ...explain(error, failed) });
    if (nodeId !== undefined && editor.document.get().nodes[nodeId] !== undefined) jumpToNode(editor, nodeId);
  }
}

export function setPaused(editor: Editor, isPaused: boolean): Promise<void> {
  return attempt(
    editor,
    async () => {
      const { client } = editor;
      editor.queue.set(await (isPaused ? client.pauseQueue() : client.resumeQueue()));
      editor.announcement.set(isPaused ? 'The queue is paused.' : 'The queue goes on.');
    },
    isPaused ? 'The queue could not be paused.' : 'The queue could not be resumed.',
  );
}

export function cancelAllRuns(editor: Editor): Promise<void> {
  return attempt(
    editor,
    async () => {
      const { cancelled } = await editor.client.cancelAllRuns();
      editor.announcement.set(`${cancelled} ${cancelled === 1 ? 'run' : 'runs'} cancelled.`);
    },
    'The runs could not be cancelled.',
  );
}

/** Moves a waiting run by one place, or to the front. */
export function moveRun(editor: Editor, runId: string, to: 'earlier' | 'later' | 'front'): Promise<void> {
  const target = moveTarget(editor.queue.get(), runId, to);
  if (target === undefined) return Promise.resolve();
  return attempt(
    editor,
    async () => editor.queue.set(await editor.client.moveRun(runId, target)),
    'The run could not be moved.',
  );
}

/** What to ask for; undefined when the run is there already. */
export function moveTarget(
  { next }: Pick<QueueSummary, 'next'>,
  runId: string,
  to: 'earlier' | 'later' | 'front',
): { readonly before: string } | { readonly after: string } | undefined {
  const place = next.findIndex((run) => run.runId === runId);
  const other = next[to === 'front' ? 0 : place + (to === 'later' ? 1 : -1)];
  if (place < 0 || other === undefined || other.runId === runId) return undefined;
  return to === 'later' ? { after: other.runId } : { before: other.runId };
}

/** Once more what did not succeed; finished nodes come from the cache. */
export function retryRun(editor: Editor, runId: string): Promise<void> {
  return attempt(
    editor,
    async () => followRepeated(editor, runId, (await editor.client.retryRun(runId)).runId),
    'The run could not be retried.',
  );
}

/** Once more with the params it had. */
export function runAgain(editor: Editor, runId: string): Promise<void> {
  return attempt(
    editor,
    async () => followRepeated(editor, runId, (await editor.client.runAgain(runId, {})).runId),
    'The run could not be started again.',
  );
}

/** Shows a repeated run on the nodes if those show the run that it repeats. */
function followRepeated(editor: Editor, from: string, runId: string): void {
  const workflow = editor.ranWorkflow.get();
  if (editor.runs.shownId.get() !== from || workflow === undefined) return;
  editor.rememberRun(runId, workflow);
  editor.runs.follow(runId);
}
