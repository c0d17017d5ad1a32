/** The queue and the history. */
import type { RunState } from '@reelgraph/graph';
import { retryRun, runAgain } from '../actions/queueing.ts';
import { openRun } from '../actions/running.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { Poster } from '../nodes/poster.tsx';
import { formatAgo, formatDuration } from '../state/durations.ts';
import { useObservable } from '../state/observable.ts';
import { isActive, resultsOf, runsByEnd } from '../state/run-store.ts';
import { QueueSection } from './queue-section.tsx';
import { RunOutcome } from './run-outcome.tsx';
import { useRunLabel } from './use-run-label.ts';

export function RunsPanel() {
  const editor = useEditor();
  const past = runsByEnd(useObservable(editor.runs.runs)).filter((run) => !isActive(run));
  const { isPaused, runningId, waitingCount } = useObservable(editor.queue);
  if (past.length === 0 && runningId === null && waitingCount === 0 && !isPaused)
    return (
      <p className="nothing">
        No runs yet. Press Run, and this is where you see the queue and what ran before.
      </p>
    );
  return (
    <>
      <QueueSection />
      {past.length > 0 && (
        <section>
          <h3>History</h3>
          <ul className="runs">
            {past.map((run) => (
              <PastRun key={run.runId} run={run} />
            ))}
          </ul>
        </section>
      )}
    </>
  );
}

const outcomes: Readonly<Record<RunState['status'], string>> = {
  queued: 'queued',
  running: 'running',
  succeeded: 'finished',
  partial: 'finished in part',
  failed: 'failed',
  cancelled: 'cancelled',
};

function PastRun({ run }: { run: RunState }) {
  const editor = useEditor();
  const label = useRunLabel(run.runId);
  const seeds = label?.seeds();
  const [result] = resultsOf([run]);
  const time =
    run.startedAtMs !== undefined && run.finishedAtMs !== undefined
      ? formatDuration(run.finishedAtMs - run.startedAtMs)
      : undefined;
  const when = formatAgo(run.finishedAtMs ?? run.queuedAtMs ?? Date.now(), Date.now());
  return (
    <li
      className={`run ${run.status}`}
      data-testid="past-run"
      data-run-id={run.runId}
      data-status={run.status}
    >
      <button
        type="button"
        className="run-open"
        title={`Open the workflow of this run (${run.workflowName}), with its results`}
        onClick={() => void openRun(editor, run.runId)}
      >
        <span className="thumb">
          {result?.file.mediaType.startsWith('video/') ? (
            <Poster url={editor.client.resultUrl(result.file.digest)} />
          ) : result ? (
            <img src={editor.client.resultUrl(result.file.digest)} alt="" />
          ) : (
            <Icon name={run.status === 'failed' ? 'alert' : 'minus'} size={14} />
          )}
        </span>
        <span className="run-text">
          <strong title={label?.text}>{label?.text ?? run.workflowName}</strong>
          <small>
            {seeds !== undefined && `${seeds} · `}
            <span className={`outcome ${run.status}`}>{outcomes[run.status]}</span>
            {time && ` · ${time}`} · {when}
          </small>
          <RunOutcome run={run} />
        </span>
      </button>
      {run.status === 'succeeded' ? (
        <button
          type="button"
          className="icon-button"
          aria-label={`Run ${label?.text ?? run.workflowName} again with these params`}
          title="Run again with these params"
          data-testid="run-again"
          onClick={() => void runAgain(editor, run.runId)}
        >
          <Icon name="repeat" size={13} />
        </button>
      ) : (
        <button
          type="button"
          className="icon-button"
          aria-label={`Retry ${label?.text ?? run.workflowName}`}
          title="Retry; what was finished is kept"
          data-testid="retry"
          onClick={() => void retryRun(editor, run.runId)}
        >
          <Icon name="repeat" size={13} />
        </button>
      )}
    </li>
  );
}
