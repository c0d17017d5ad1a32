import type { ErrorBody } from '@reelgraph/protocol';

type Problem = ErrorBody['error'];

/**
 * A call that failed. `code` is the server's (`workflow/invalid`), or `client/unreachable` when no answer came,
 * or `client/unexpected-answer` when what answered is no Reelgraph server of this version.
 */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: string;
  /** HTTP status; 0 when no answer came. */
  readonly status: number;
  /** What to do next, when the server said. */
  readonly hint: string | undefined;
  /** Where in the request, when the server said. */
  readonly path: readonly (string | number)[] | undefined;
  /** Everything wrong with a workflow, when that is the reason. */
  readonly issues: NonNullable<Problem['issues']>;

  constructor(status: number, problem: Problem, options?: ErrorOptions) {
    super(problem.message, options);
    this.code = problem.code;
    this.status = status;
    this.hint = problem.hint;
    this.path = problem.path;
    this.issues = problem.issues ?? [];
  }
}
