import { useEffect } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { useSelected } from '../state/observable.ts';
import type { RunLabel } from '../state/run-labels.ts';

/** What tells this run from others, as soon as it is known. */
export function useRunLabel(runId: string): RunLabel | undefined {
  const { runLabels } = useEditor();
  useEffect(() => runLabels.want(runId), [runLabels, runId]);
  return useSelected(runLabels, (labels) => labels.get(runId));
}
