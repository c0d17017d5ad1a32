/** The run at work and those that wait, in the order they will be begun, with what can be done to them. */
import type { RunState } from '@reelgraph/graph';
import { cancelAllRuns, moveRun, setPaused } from '../actions/queueing.ts';
import { cancelRun } from '../actions/running.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { progressFraction } from '../state/durations.ts';
import { useObservable, useSelected } from '../state/observable.ts';
import { runStage } from '../state/run-stage.ts';
import { useRunLabel } from './use-run-label.ts';

/** Waiting runs that are drawn; behind them a line says how many more there are. */
const drawnRuns = 50;

export function QueueSection() {
  const editor = useEditor();
  const queue = useObservable(editor.queue);
  const runs = useObservable(editor.runs.runs);
  const running = queue.runningId === null ? undefined : runs.get(queue.runningId);
  const count = queue.waitingCount + (running === undefined ? 0 : 1);
  if (count === 0 && !queue.isPaused) return null;
  const drawn = queue.next.slice(0, drawnRuns);
  const hidden = queue.waitingCount - drawn.length;
  return (
    <section aria-label="Queue">
      <div className="section-head">
        <h3>Queue{queue.isPaused && <span className="paused"> · paused</span>}</h3>
        <button
          type="button"
          className="small-button"
          data-testid="queue-pause"
          title={
            queue.isPaused ? 'Begin the next run' : 'Begin no further run; the one at work goes on to its end'
          }
          onClick={() => void setPaused(editor, !queue.isPaused)}
        >
          <Icon name={queue.isPaused ? 'play' : 'pause'} size={12} />
          {queue.isPaused ? 'Resume' : 'Pause'}
        </button>
        {count > 1 && (
          <button
            type="button"
            className="small-button"
            data-testid="queue-cancel-all"
            title={`Cancel all ${count} runs`}
            onClick={() => void cancelAllRuns(editor)}
          >
            <Icon name="close" size={12} />
            Cancel all
          </button>
        )}
      </div>
      <ul className="runs">
        {running !== undefined && <ActiveRun key={running.runId} run={running} />}
        {drawn.map(({ runId, workflowName, priority }, index) => (
          <ActiveRun
            key={runId}
            run={runs.get(runId) ?? { runId, workflowName, status: 'queued', lastSeq: 0, nodes: {} }}
            priority={priority}
            isFirst={index === 0}
            isLast={index === drawn.length - 1 && hidden === 0}
          />
        ))}
      </ul>
      {hidden > 0 && <p className="nothing">and {hidden.toLocaleString('en')} more</p>}
      {count === 0 && <p className="nothing">Nothing waits. What you start now begins when you resume.</p>}
    </section>
  );
}

interface ActiveRunProps {
  readonly run: RunState;
  readonly priority?: number;
  readonly isFirst?: boolean;
  readonly isLast?: boolean;
}

function ActiveRun({ run, priority = 0, isFirst, isLast }: ActiveRunProps) {
  const editor = useEditor();
  const label = useRunLabel(run.runId);
  const asked = useSelected(editor.cancelling, (ids) => ids.has(run.runId));
  const stopping = asked || run.isCancelling === true;
  const isWaiting = isFirst !== undefined;
  const nodes = Object.values(run.nodes);
  const working = nodes.find((node) => node.status === 'running');
  const done = nodes.filter((node) => node.status !== 'waiting' && node.status !== 'running').length;
  const fraction =
    nodes.length === 0 ? 0 : (done + (working ? (progressFraction(working) ?? 0) : 0)) / nodes.length;
  const name = label?.text ?? run.workflowName;
  const interrupted = run.interruptions?.at(-1);
  return (
    <li
      className={`run ${isWaiting ? 'queued' : 'running'}`}
      data-testid="active-run"
      data-run-id={run.runId}
    >
      <div className="run-text">
        <strong title={label?.text}>{name}</strong>
        <small>
          {stopping
            ? 'cancelling …'
            : isWaiting
              ? ['queued', priority !== 0 && `priority ${priority}`].filter(Boolean).join(' · ')
              : runStage(run)}
        </small>
        {interrupted !== undefined && (
          <small className="run-error" title={interrupted.error.message}>
            interrupted {run.interruptions?.length === 1 ? 'once' : `${run.interruptions?.length} times`}:{' '}
            {interrupted.error.message}
          </small>
        )}
        {!isWaiting && (
          <span className="bar">
            <span style={{ transform: `scaleX(${fraction})` }} />
          </span>
        )}
      </div>
      {isWaiting && (
        <>
          <MoveButton run={run} to="earlier" label={`Move "${name}" up`} isOff={isFirst} />
          <MoveButton run={run} to="later" label={`Move "${name}" down`} isOff={isLast === true} />
        </>
      )}
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

function MoveButton({
  run,
  to,
  label,
  isOff,
}: {
  readonly run: RunState;
  readonly to: 'earlier' | 'later';
  readonly label: string;
  readonly isOff: boolean;
}) {
  const editor = useEditor();
  return (
    <button
      type="button"
      className={`icon-button ${to === 'earlier' ? 'turned' : ''}`}
      aria-label={label}
      title={to === 'earlier' ? 'Sooner (Shift: next)' : 'Later'}
      data-testid={`move-${to}`}
      disabled={isOff}
      onClick={(event) => void moveRun(editor, run.runId, event.shiftKey && to === 'earlier' ? 'front' : to)}
    >
      <Icon name="chevron" size={13} />
    </button>
  );
}
