import { z } from 'zod';
import { workflowSchema } from './document.ts';

/** The workflow format as JSON Schema (draft 2020-12), for editors that complete and check JSON. */
export function workflowJsonSchema(): Readonly<Record<string, unknown>> {
  return { ...z.toJSONSchema(workflowSchema, { io: 'input' }), title: 'Reelgraph workflow' };
}
