/** A problem found by looking, not by running. Checks return lists of these so all can be shown at once. */
import { z } from 'zod';

const value = z.union([z.string(), z.number(), z.boolean()]);
const endpoint = z.tuple([z.string(), z.string()]);
const edge = z.strictObject({ from: endpoint, to: endpoint });

const nodeOfFix = z.strictObject({
  type: z.string(),
  version: z.number().int().positive(),
  params: z.record(z.string(), value),
  /** What its inputs are fed from: input -> output of a node that is there already. */
  inputs: z.record(z.string(), endpoint),
  /** The input that takes what the node before it in the list gives. */
  takes: z.string().optional(),
  /** The output that is passed on. */
  gives: z.string(),
});

export const graphFixSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('set-param'),
    label: z.string(),
    nodeId: z.string(),
    param: z.string(),
    value,
    /** It would make another thing than was asked for, such as with another model: offered, and applied by people alone. */
    isChoice: z.boolean().optional(),
  }),
  z.strictObject({
    kind: z.literal('set-params'),
    label: z.string(),
    nodeId: z.string(),
    values: z.record(z.string(), value),
  }),
  z.strictObject({
    kind: z.literal('remove-param'),
    label: z.string(),
    nodeId: z.string(),
    param: z.string(),
    /** The param that takes over its value. */
    renameTo: z.string().optional(),
  }),
  z.strictObject({ kind: z.literal('bypass'), label: z.string(), nodeId: z.string() }),
  z.strictObject({
    kind: z.literal('set-type'),
    label: z.string(),
    nodeId: z.string(),
    type: z.string(),
    version: z.number().int().positive(),
  }),
  z.strictObject({ kind: z.literal('remove-edge'), label: z.string(), ...edge.shape }),
  /** Feeds `to` from `from` and from nothing else; `instead` is a wire that goes for it. */
  z.strictObject({
    kind: z.literal('connect'),
    label: z.string(),
    ...edge.shape,
    instead: edge.optional(),
  }),
  /** Adds a chain of nodes whose last one feeds all of `to`, in place of what feeds them now. */
  z.strictObject({
    kind: z.literal('insert-nodes'),
    label: z.string(),
    nodes: z.array(nodeOfFix).min(1).max(3),
    to: z.array(endpoint).min(1),
    instead: edge.optional(),
  }),
]);
/** A change that mends an issue, applied by `applyFix` in one click. */
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
