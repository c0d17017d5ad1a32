import type { RunError } from '@reelgraph/graph';
import { z } from 'zod';

/** A node gave something other than it declares. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: 'engine/bad-output';

  constructor(code: EngineError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** An error of a node as a user should read it: its own code where it has one, never a stack or a path. */
export function describeError(error: unknown): RunError {
  const coded = codedErrorSchema.safeParse(error);
  if (error instanceof Error && coded.success) {
    const { code, hint } = coded.data;
    return { code, message: withoutPaths(error.message), ...(hint === undefined ? {} : { hint }) };
  }
  const message = error instanceof Error ? error.message : String(error);
  return {
    code: 'engine/node-crashed',
    message: `The node stopped with an error it did not expect: ${withoutPaths(message).slice(0, 500)}`,
    hint: 'If it happens again, please report it with the workflow.',
  };
}

/** Errors made for users (of nodes, store, models, media) carry an `<area>/<what>` code; those of Node do not. */
const codedErrorSchema = z.looseObject({
  code: z.string().regex(/^[a-z]+\/[a-z0-9-]+$/),
  hint: z.string().optional(),
});

/** Absolute paths of the machine tell strangers about it and users nothing. */
function withoutPaths(message: string): string {
  return message.replace(
    /(?<![\w.])(?:file:\/\/|[A-Za-z]:)?[\\/](?:[^\s'"`():\\/]+[\\/])+[^\s'"`():\\/]*/g,
    '(a file)',
  );
}
