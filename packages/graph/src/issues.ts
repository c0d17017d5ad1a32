/** A problem found by looking, not by running. Checks return lists of these so all can be shown at once. */
import { z } from 'zod';

const paramValueForFix = z.union([z.string(), z.number(), z.boolean()]);

export const graphFixSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('set-param'),
    label: z.string(),
    nodeId: z.string(),
    param: z.string(),
    value: paramValueForFix,
  }),
  z.strictObject({
    kind: z.literal('remove-edge'),
    label: z.string(),
    from: z.tuple([z.string(), z.string()]),
    to: z.tuple([z.string(), z.string()]),
  }),
]);
/** A change the editor can apply in one click. */
export type GraphFix = z.infer<typeof graphFixSchema>;

export const graphIssueSchema = z.strictObject({
  /** Stable, for example `graph/cycle`. Compare codes, never messages. */
  code: z.string(),
  severity: z.enum(['error', 'warning']),
  /** What was expected, what was found, where, and the next step, in one or two sentences. */
  message: z.string(),
  nodeId: z.string().optional(),
  port: z.string().optional(),
  param: z.string().optional(),
  /** Place in the JSON document, when the problem is in its form. */
  path: z.array(z.union([z.string(), z.number()])).optional(),
  fix: graphFixSchema.optional(),
});
export type GraphIssue = z.infer<typeof graphIssueSchema>;
