import type { GraphIssue } from '@reelgraph/graph';

/** Ends the command with an exit code and sentences for the person who typed it. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: number;
  /** Stable, for `--json`. */
  readonly code: string;
  readonly hint: string | undefined;
  readonly issues: readonly GraphIssue[];

  constructor(
    exitCode: number,
    code: string,
    message: string,
    options: { hint?: string; issues?: readonly GraphIssue[]; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = exitCode;
    this.code = code;
    this.hint = options.hint;
    this.issues = options.issues ?? [];
  }
}
