/** What became of a run that is over: why it had to compute, and every node that failed. */
import { failuresOf, type RunState, runSummary } from '@reelgraph/graph';
import { useRunLabel } from './use-run-label.ts';

export function RunOutcome({ run }: { run: RunState }) {
  const failures = failuresOf(run);
  const label = useRunLabel(run.runId);
  const summary = runSummary(run, label?.labelsOf);
  return (
    <>
      {summary !== '' && (
        <small className="run-why" data-testid="run-why">
          {summary}
        </small>
      )}
      {failures.map(({ nodeId, code, message, cause, hint }) => (
        <small key={nodeId} className="run-error" data-testid="run-failure" title={code}>
          {failures.length > 1 || run.status === 'partial' ? `${nodeId}: ` : ''}
          {message}
          {cause !== undefined && ` (${cause})`}
          {hint !== undefined && ` ${hint}`}
        </small>
      ))}
      {failures.length === 0 && run.error && (
        <small className="run-error">
          {run.error.message}
          {run.error.hint !== undefined && ` ${run.error.hint}`}
        </small>
      )}
    </>
  );
}
