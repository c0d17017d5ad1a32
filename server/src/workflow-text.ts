/** The text of a workflow as the server keeps it: in a file, in the journal. */
import { documentLimits, stringifyWorkflow, type Workflow } from '@reelgraph/graph';
import { HttpError } from './http-error.ts';

/**
 * The canonical text, no larger than what can be read again: written out it takes more room than many a request
 * it came in. @throws HttpError 413
 */
export function canonicalText(workflow: Workflow): string {
  const text = stringifyWorkflow(workflow);
  if (Buffer.byteLength(text) <= documentLimits.textBytes) return text;
  throw new HttpError(
    413,
    'document/too-large',
    `Written out, this workflow is larger than ${documentLimits.textBytes / 1024 / 1024} MiB.`,
    { hint: 'Make it smaller, for example by taking texts and unused nodes out.' },
  );
}
