/** Mends a document by what its check offers, as `reelgraph check --fix` does. */
import { applyFix, type GraphFix, type GraphIssue, type Workflow } from '@reelgraph/graph';
import type { WorkflowCheck } from './check.ts';

export interface FixedWorkflow {
  /** The same object when nothing was changed. */
  readonly workflow: Workflow;
  /** Issues that were mended, in order, each with the fix applied. */
  readonly applied: readonly (GraphIssue & { readonly fix: NonNullable<GraphIssue['fix']> })[];
  /** Of the mended document. */
  readonly check: WorkflowCheck;
}

/** A fix may show what was hidden behind its issue; more rounds than this would go in circles. */
const mostRounds = 50;

/**
 * Applies the fix of the first error that offers one, checks again, and so on until none is left or a fix does not
 * lessen the errors. Warnings and choices, such as of another model, are left to people.
 */
export async function fixWorkflow(
  workflow: Workflow,
  check: (workflow: Workflow) => WorkflowCheck | Promise<WorkflowCheck>,
): Promise<FixedWorkflow> {
  let current = workflow;
  let checked = await check(current);
  const applied: (GraphIssue & { readonly fix: NonNullable<GraphIssue['fix']> })[] = [];
  const tried = new Set<string>();
  for (let round = 0; round < mostRounds; round += 1) {
    const next = checked.issues.find(
      ({ severity, fix }) =>
        severity === 'error' && fix !== undefined && !isChoice(fix) && !tried.has(JSON.stringify(fix)),
    );
    if (next?.fix === undefined) break;
    tried.add(JSON.stringify(next.fix));
    current = applyFix(current, next.fix);
    applied.push({ ...next, fix: next.fix });
    checked = await check(current);
  }
  return { workflow: current, applied, check: checked };
}

function isChoice(fix: GraphFix): boolean {
  return fix.kind === 'set-param' && fix.isChoice === true;
}
