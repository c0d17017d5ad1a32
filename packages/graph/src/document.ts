/**
 * The workflow document: the one JSON that the editor, the command line, HTTP and the metadata of every
 * video share. This schema is the source of its type, its parser and its published JSON Schema.
 *
 * Meaning and layout are apart: everything under `layout` can change without changing what a run computes.
 */
import { z } from 'zod';
import { portTypeSchema } from './port-types.ts';

/** Version of the document format this code writes. */
export const workflowFormat = 1;

/** Bounds on a document from a stranger; far above what a person can draw. */
export const documentLimits = {
  textBytes: 8 * 1024 * 1024,
  depth: 32,
  nodes: 20_000,
  edges: 100_000,
  paramTextLength: 100_000,
} as const;

/** Names that exist on every plain object; as ids they would find inherited members. */
const reservedNames = new Set(Object.getOwnPropertyNames(Object.prototype).concat('prototype'));

/** Node ids, port names, param names: start with a letter, then letters, digits, `-` or `_`; at most 64. */
export const identifierSchema = z
  .string()
  .regex(
    /^[A-Za-z][A-Za-z0-9_-]{0,63}$/,
    'a name starts with a letter and has letters, digits, "-" or "_", at most 64',
  )
  .refine((name) => !reservedNames.has(name), 'this name is reserved');

export const paramValueSchema = z.union([
  z.string().max(documentLimits.paramTextLength, 'a text param holds at most 100,000 characters'),
  z.number(),
  z.boolean(),
]);
/** Seeds are decimal strings; see `ParamInfo`. */
export type ParamValue = z.infer<typeof paramValueSchema>;

export const nodeModes = ['muted', 'bypassed'] as const;

export const workflowNodeSchema = z.strictObject({
  type: z.string().min(1).max(128),
  version: z.number().int().positive(),
  /** Shown instead of the type's title; no meaning. */
  title: z.string().max(200).optional(),
  /** `muted`: not run, and nothing that needs it. `bypassed`: inputs pass to outputs of the same type. */
  mode: z.enum(nodeModes).optional(),
  params: z.record(identifierSchema, paramValueSchema),
});
export type WorkflowNode = z.infer<typeof workflowNodeSchema>;

/** `[nodeId, port]` */
export const endpointSchema = z.tuple([identifierSchema, identifierSchema]);
export type Endpoint = z.infer<typeof endpointSchema>;

export const edgeSchema = z.strictObject({ from: endpointSchema, to: endpointSchema });
export type WorkflowEdge = z.infer<typeof edgeSchema>;

export const exposedInputSchema = z.strictObject({
  node: identifierSchema,
  param: identifierSchema,
  label: z.string().max(200),
});
/** A param offered to `--set`, the form view and the HTTP body under a name of its own. */
export type ExposedInput = z.infer<typeof exposedInputSchema>;

export const exposedOutputSchema = z.strictObject({
  node: identifierSchema,
  port: identifierSchema,
  label: z.string().max(200),
});
export type ExposedOutput = z.infer<typeof exposedOutputSchema>;

const position = z.tuple([z.number(), z.number()]);

export const layoutSchema = z.strictObject({
  nodes: z.record(identifierSchema, position).default({}),
  viewport: z.strictObject({ x: z.number(), y: z.number(), zoom: z.number().positive() }).optional(),
});
export type WorkflowLayout = z.infer<typeof layoutSchema>;

export const groupSchema = z.strictObject({
  title: z.string().max(200),
  color: z.string().max(32).optional(),
  bounds: z.tuple([z.number(), z.number(), z.number(), z.number()]),
});
export const commentSchema = z.strictObject({ text: z.string().max(20_000), at: position });

/** The inside of a subgraph that instances reference as type `subgraph:<name>`: edit once, all change. */
export const subgraphSchema = z.strictObject({
  title: z.string().max(200),
  description: z.string().max(20_000).default(''),
  nodes: z.record(identifierSchema, workflowNodeSchema),
  edges: z.array(edgeSchema),
  /** Ports of the instance and the inner port each stands for. */
  inputs: z.record(
    identifierSchema,
    z.strictObject({ type: portTypeSchema, label: z.string(), to: z.array(endpointSchema) }),
  ),
  outputs: z.record(
    identifierSchema,
    z.strictObject({ type: portTypeSchema, label: z.string(), from: endpointSchema }),
  ),
  /** Params of the instance and the inner param each sets. */
  params: z.record(identifierSchema, z.strictObject({ node: identifierSchema, param: identifierSchema })),
  layout: layoutSchema.default({ nodes: {} }),
});
export type Subgraph = z.infer<typeof subgraphSchema>;

export const workflowSchema = z.strictObject({
  /** Document format version. */
  reelgraph: z.literal(workflowFormat),
  name: z.string().max(200),
  description: z.string().max(20_000).default(''),
  inputs: z.record(identifierSchema, exposedInputSchema).default({}),
  outputs: z.record(identifierSchema, exposedOutputSchema).default({}),
  nodes: z.record(identifierSchema, workflowNodeSchema),
  edges: z.array(edgeSchema).max(documentLimits.edges),
  subgraphs: z.record(identifierSchema, subgraphSchema).default({}),
  groups: z.record(identifierSchema, groupSchema).default({}),
  comments: z.record(identifierSchema, commentSchema).default({}),
  layout: layoutSchema.default({ nodes: {} }),
});
/** A saved workflow. Plain data, never mutated by a run. */
export type Workflow = z.infer<typeof workflowSchema>;
