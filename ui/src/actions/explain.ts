import { ApiError } from '@reelgraph/client';

/** What a failed call says to a person. Anything that is not an answer of the server is a fault of the editor. */
export function explain(error: unknown, otherwise: string): { text: string; hint?: string | undefined } {
  if (error instanceof ApiError) return { text: error.message, hint: error.hint };
  console.error(error);
  return { text: otherwise };
}
