/**
 * A node type as data: what the editor, the checks and the documentation know of a node without
 * importing its code. `packages/node-api` builds it from `defineNode`; the server sends it as JSON.
 */
import { z } from 'zod';
import { portTypeSchema } from './port-types.ts';

export const portInfoSchema = z.strictObject({
  type: portTypeSchema,
  label: z.string(),
  description: z.string(),
  /** An input that may stay unconnected. Outputs are never optional. */
  optional: z.boolean().optional(),
});
export type PortInfo = z.infer<typeof portInfoSchema>;

const paramBase = { label: z.string(), description: z.string() };

export const paramInfoSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    ...paramBase,
    kind: z.literal('text'),
    default: z.string(),
    multiline: z.boolean(),
    maxLength: z.number().int().positive(),
    placeholder: z.string().optional(),
    /** An empty text is an error (a prompt that must say something). */
    required: z.boolean().optional(),
  }),
  z.strictObject({
    ...paramBase,
    kind: z.literal('integer'),
    default: z.number().int(),
    min: z.number().int(),
    max: z.number().int(),
    step: z.number().int().positive().optional(),
    unit: z.string().optional(),
    /** What 0 stands for, shown in its place: `auto`, `all`. */
    zeroLabel: z.string().optional(),
  }),
  z.strictObject({
    ...paramBase,
    kind: z.literal('number'),
    default: z.number(),
    min: z.number(),
    max: z.number(),
    step: z.number().positive().optional(),
    unit: z.string().optional(),
    /** What 0 stands for, shown in its place: `auto`, `all`. */
    zeroLabel: z.string().optional(),
  }),
  z.strictObject({ ...paramBase, kind: z.literal('boolean'), default: z.boolean() }),
  /** A 64-bit unsigned integer as a decimal string: JSON numbers lose bits above 2^53. */
  z.strictObject({ ...paramBase, kind: z.literal('seed'), default: z.string() }),
  z.strictObject({
    ...paramBase,
    kind: z.literal('choice'),
    default: z.string(),
    options: z.array(z.strictObject({ value: z.string(), label: z.string() })),
  }),
  /** Name of a model package; the host knows which are installed. */
  z.strictObject({ ...paramBase, kind: z.literal('model'), default: z.string() }),
  /** Name of an uploaded or shipped file; '' means none chosen. */
  z.strictObject({
    ...paramBase,
    kind: z.literal('file'),
    default: z.string(),
    accept: z.enum(['image', 'video', 'audio', 'latent']),
  }),
]);
export type ParamInfo = z.infer<typeof paramInfoSchema>;

/**
 * A node that a person can play: a key is an action, an action makes a frame, and the actions become the value of a
 * param, so that a run makes the same frames.
 */
export const livePlayInfoSchema = z.strictObject({
  /** The text param that takes the log of actions. */
  log: z.string(),
  /** What is done in a frame when no key is held. */
  idle: z.string(),
  /** Key, as a browser names it (`ArrowLeft`, ` `), to action. */
  keys: z.record(z.string(), z.string()),
  /** Actions that a key held down does once and not in every frame. */
  once: z.array(z.string()),
  /** The keys in a few words, for people. */
  hint: z.string(),
  /** Frames a second while it is played. */
  fps: z.number().positive(),
});
export type LivePlayInfo = z.infer<typeof livePlayInfoSchema>;

export const nodeTypeInfoSchema = z.strictObject({
  /** Stable kebab-case name, for example `video-mux`. */
  type: z.string(),
  version: z.number().int().positive(),
  title: z.string(),
  description: z.string(),
  /** Menu group: `Model`, `Conditioning`, `Latent`, `Sampling`, `Image`, `Video`, `World`, `Output`. */
  category: z.string(),
  /** Other words people search for ("KSampler", "CLIP"). */
  synonyms: z.array(z.string()),
  /** Key order is display order in all three maps. */
  inputs: z.record(z.string(), portInfoSchema),
  outputs: z.record(z.string(), portInfoSchema),
  params: z.record(z.string(), paramInfoSchema),
  /** What the node shows in its preview slot, if it has one. */
  preview: z.enum(['none', 'progress', 'image', 'video', 'score']),
  /** Present when the node can be played in its preview slot. */
  live: livePlayInfoSchema.optional(),
  /** A run computes these nodes and whatever they need. */
  isOutput: z.boolean(),
});
export type NodeTypeInfo = z.infer<typeof nodeTypeInfoSchema>;

/** Node types by name. A Map, so that names like `constructor` find nothing. */
export type NodeCatalogue = ReadonlyMap<string, NodeTypeInfo>;
