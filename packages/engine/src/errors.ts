import type { RunError } from '@reelgraph/graph';
import { z } from 'zod';

/** A node gave something other than it declares, or nothing at all for too long. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: 'engine/bad-output' | 'engine/stalled';
  /** What to do next. */
  readonly hint: string | undefined;

  constructor(code: EngineError['code'], message: string, hint?: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}

/** An error of a node as a user should read it: its own code where it has one, never a stack or a path. */
export function describeError(error: unknown): RunError {
  const coded = codedErrorSchema.safeParse(error);
  if (error instanceof Error && coded.success) {
    const { code, hint } = coded.data;
    const cause = causeOf(error);
    return {
      code,
      message: withoutPaths(error.message),
      ...(cause === undefined ? {} : { cause }),
      ...(hint === undefined ? {} : { hint }),
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'engine/node-crashed',
    message: `The node stopped with an error it did not expect: ${withoutPaths(message).slice(0, 500)}`,
    hint: 'If it happens again, please report it with the workflow.',
  };
}

/** Causes told at most; a chain that comes back to itself ends, too. */
const maxCauses = 4;
const longestCause = 200;

/** What lay behind an error, outermost first: the first line of each cause. */
function causeOf(error: Error): string | undefined {
  const lines: string[] = [];
  for (let { cause } = error; cause !== undefined && lines.length < maxCauses; ) {
    const text = cause instanceof Error ? cause.message : String(cause);
    const line = withoutPaths(text.split('\n')[0] ?? '').slice(0, longestCause);
    if (line !== '' && line !== lines.at(-1)) lines.push(line);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return lines.length === 0 ? undefined : lines.join('; ');
}

/** Errors made for users (of nodes, store, models, media) carry an `<area>/<what>` code; those of Node do not. */
const codedErrorSchema = z.looseObject({
  code: z.string().regex(/^[a-z]+(?:-[a-z]+)*\/[a-z0-9-]+$/),
  hint: z.string().optional(),
});

/** Absolute paths of the machine tell strangers about it and users nothing. */
function withoutPaths(message: string): string {
  return message.replace(
    /(?<![\w.])(?:file:\/\/|[A-Za-z]:)?[\\/](?:[^\s'"`():\\/]+[\\/])+[^\s'"`():\\/]*/g,
    '(a file)',
  );
}
