/** The queue and the history. */
import type { RunState } from '@reelgraph/graph';
import { cancelRun, openRun } from '../actions/running.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { Poster } from '../nodes/poster.tsx';
import { formatAgo, formatDuration, formatProgress, progressFraction } from '../state/durations.ts';
import { useObservable, useSelected } from '../state/observable.ts';
import { isActive, resultsOf, runsByEnd, runsNewestFirst } from '../state/run-store.ts';
import { RunOutcome } from './run-outcome.tsx';
import { useRunLabel } from './use-run-label.ts';

export function RunsPanel() {
  const editor = useEditor();
  const runs = runsNewestFirst(useObservable(editor.runs.runs));
  const active = runs.filter(isActive);
  const past = runsByEnd(useObservable(editor.runs.runs)).filter((run) => !isActive(run));
  if (runs.length === 0)
    return (
      <p className="nothing">
        No runs yet. Press Run, and this is where you see the queue and what ran before.
      </p>
    );
  return (
    <>
      {active.length > 0 && (
        <section>
          <h3>Queue</h3>
          <ul className="runs">
            {active.toReversed().map((run) => (
              <ActiveRun key={run.runId} run={run} />
            ))}
          </ul>
        </section>
      )}
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

function ActiveRun({ run }: { run: RunState }) {
  const editor = useEditor();
  const label = useRunLabel(run.runId);
  const stopping = useSelected(editor.cancelling, (ids) => ids.has(run.runId));
  const nodes = Object.values(run.nodes);
  const working = nodes.find((node) => node.status === 'running');
  const done = nodes.filter((node) => node.status !== 'waiting' && node.status !== 'running').length;
  const fraction =
    nodes.length === 0 ? 0 : (done + (working ? (progressFraction(working) ?? 0) : 0)) / nodes.length;
  return (
    <li className={`run ${run.status}`} data-testid="active-run" data-run-id={run.runId}>
      <div className="run-text">
        <strong title={label?.text}>{label?.text ?? run.workflowName}</strong>
        <small>
          {stopping
            ? 'cancelling …'
            : run.status === 'queued'
              ? 'queued'
              : [`${done}/${nodes.length} nodes`, working && formatProgress(working)]
                  .filter(Boolean)
                  .join(' · ')}
        </small>
        <span className="bar">
          <span style={{ transform: `scaleX(${fraction})` }} />
        </span>
      </div>
      <button
        type="button"
        className="icon-button"
        aria-label={`Cancel the run of ${run.workflowName}`}
        title="Cancel"
        disabled={stopping}
        onClick={() => void cancelRun(editor, run.runId)}
      >
        <Icon name="close" size={13} />
      </button>
    </li>
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
            {label?.seed !== undefined && `seed ${label.seed} · `}
            <span className={`outcome ${run.status}`}>{outcomes[run.status]}</span>
            {time && ` · ${time}`} · {when}
          </small>
          <RunOutcome run={run} />
        </span>
      </button>
    </li>
  );
}
