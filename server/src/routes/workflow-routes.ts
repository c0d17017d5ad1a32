/** Workflows: list, open, save, check. */
import type { GraphIssue, Workflow } from '@reelgraph/graph';
import { parseWorkflowValue } from '@reelgraph/graph';
import type { Catalogue } from '@reelgraph/host';
import type { Checker } from '../check/check-client.ts';
import { HttpError } from '../http-error.ts';
import type { CallRegistry } from '../register-call.ts';
import type { WorkflowLibrary } from '../workflow-library.ts';

/** A workflow out of a request's body. @throws HttpError 422 with every issue of its form */
export function requireWorkflow(value: unknown): Workflow {
  const parsed = parseWorkflowValue(value);
  if (parsed.ok) return parsed.workflow;
  throw invalidWorkflow(parsed.issues);
}

/** 422 whose sentence is the first issue's; all of them travel along. */
export function invalidWorkflow(issues: readonly GraphIssue[]): HttpError {
  const first = issues.find((issue) => issue.severity === 'error') ?? issues[0];
  const more = issues.length > 1 ? ` (and ${issues.length - 1} more)` : '';
  return new HttpError(422, 'workflow/invalid', `${first?.message ?? 'This is no workflow.'}${more}`, {
    issues,
    ...(first?.path === undefined ? {} : { path: first.path }),
  });
}

export interface WorkflowRouteParts {
  readonly catalogue: Catalogue;
  readonly checker: Checker;
  readonly library: WorkflowLibrary;
}

export function registerWorkflowCalls(
  registry: CallRegistry,
  { catalogue, checker, library }: WorkflowRouteParts,
): void {
  registry.call('listNodeTypes', () => [...catalogue.nodeTypes]);
  registry.call('listWorkflows', () => library.list());
  registry.call('getWorkflow', ({ param }) => library.get(param('id')));
  registry.call('saveWorkflow', ({ param, body }) => {
    // A name that can never be is the first thing to say.
    library.checkId(param('id'));
    return library.save(param('id'), requireWorkflow(body));
  });
  registry.call('check', async ({ body, signal }) => {
    const parsed = parseWorkflowValue(body);
    if (!parsed.ok) return { issues: [...parsed.issues], facts: {} };
    const { issues, facts } = await checker.check(parsed.workflow, signal);
    return { issues: [...parsed.warnings, ...issues], facts: { ...facts } };
  });
}
