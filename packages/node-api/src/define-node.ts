/**
 * `defineNode`: a node type is data (ports, params, cache policy) plus `infer` and `run`. The engine reads the
 * declared properties and never asks which node it has.
 */
import type { LivePlayInfo, NodeFix, NodeTypeInfo, ParamInfo, PortFacts, PortInfo } from '@reelgraph/graph';
import type { Tensor } from '@reelgraph/tensor';
import type { InferContext, RunContext } from './context.ts';
import type { PortValues } from './values.ts';

export type PortMap = Readonly<Record<string, PortInfo>>;
export type ParamMap = Readonly<Record<string, ParamInfo>>;

type OptionalPorts<P extends PortMap> = {
  [K in keyof P]: P[K] extends { optional: true } ? K : never;
}[keyof P];
/** Runtime values of a port map; optional ports may be absent. */
export type ValuesOf<P extends PortMap> = {
  readonly [K in Exclude<keyof P, OptionalPorts<P>>]: PortValues[P[K]['type']];
} & { readonly [K in OptionalPorts<P>]?: PortValues[P[K]['type']] };

interface ParamValueByKind {
  text: string;
  integer: number;
  number: number;
  boolean: boolean;
  seed: string;
  choice: string;
  model: string;
  file: string;
}
/** Param values as `run` gets them: defaults filled in, ranges checked. */
export type ParamsOf<P extends ParamMap> = { readonly [K in keyof P]: ParamValueByKind[P[K]['kind']] };

/** An issue as `infer` reports it; the host adds the node's id. */
export interface InferIssue {
  readonly code: string;
  readonly severity: 'error' | 'warning';
  readonly message: string;
  readonly port?: string;
  readonly param?: string;
  /** What would mend it. A host offers it only after it has seen that it helps. */
  readonly fix?: InferFix;
  /** Tried in this order when `fix` does not help. */
  readonly otherFixes?: readonly InferFix[];
}

/** A fix in words of the node's own ports and params: a value for a param, a node on a wire, another wire. */
export type InferFix = NodeFix;

export interface InferResult<Out extends PortMap> {
  readonly outputs: { readonly [K in keyof Out]?: PortFacts };
  readonly issues: readonly InferIssue[];
}

/**
 * Where `run` executes: `inference` takes the lane of its device, so two never compete for it; `cpu` never
 * waits behind inference.
 */
export type Lane = 'inference' | 'cpu';

/** `disk`: kept in memory and on disk. `memory`: cheap to make again. `none`: runs every time. */
export type CachePolicy = 'disk' | 'memory' | 'none';

/** Amounts of work by name, in units of the node's own: model calls, pixels, tokens. */
export type WorkAmounts = Readonly<Record<string, number>>;

/** How much a node has to do. What a unit costs is learnt from its runs, so factors that never change are left out. */
export interface NodeWork {
  /**
   * What its time grows with; at most four, the one that most likely causes the time first. A share that is always
   * there need not be named.
   */
  readonly time: WorkAmounts;
  /** What its memory grows with while it runs; as its time when absent. */
  readonly memory?: WorkAmounts;
}

/** A node being played: one picture for each action. */
export interface LivePlay {
  /** [1, 3, 1, H, W] in [-1, 1]: what is seen before anything is done. */
  readonly first: Tensor<'float32'>;
  /** The picture that follows; called again only when the call before is over. @throws NodeError */
  step(action: string): Promise<Tensor<'float32'>>;
}

/** How a node is played. `run` must make of the same params and the logged actions the same pictures. */
export interface LiveDefinition<Params extends ParamMap = ParamMap> extends LivePlayInfo {
  open(args: {
    readonly params: ParamsOf<Params>;
    readonly ctx: Pick<RunContext, 'models' | 'signal'>;
  }): Promise<LivePlay>;
}

export interface NodeDefinition<
  In extends PortMap = PortMap,
  Out extends PortMap = PortMap,
  Params extends ParamMap = ParamMap,
> {
  readonly type: string;
  /** Raise when the same inputs give other bytes; old cached results are then left behind. */
  readonly version: number;
  readonly title: string;
  readonly description: string;
  readonly category: string;
  readonly synonyms?: readonly string[];
  readonly inputs: In;
  readonly outputs: Out;
  readonly params: Params;
  readonly preview?: NodeTypeInfo['preview'];
  /** Present when a person can play the node in the editor. */
  readonly live?: LiveDefinition<Params>;
  readonly isOutput?: boolean;
  readonly cache: CachePolicy;
  readonly lane: Lane;
  /**
   * Inputs with which it may begin before they are whole: clips that it gives on unread, or reads with `ctx.frames` by
   * chunk, whatever they are made of.
   */
  readonly growing?: readonly (keyof In & string)[];
  /** The workflow's JSON is part of the result (embedded in a file), so it is part of the cache key. */
  readonly usesWorkflow?: boolean;
  /** Facts of outputs from facts of inputs and params; pure and quick, runs on every edit. */
  infer?(args: {
    readonly inputs: { readonly [K in keyof In]?: PortFacts };
    readonly params: ParamsOf<Params>;
    readonly context: InferContext;
  }): InferResult<Out>;
  /**
   * How much there is to do, for forecasts; pure and quick. Undefined where the facts do not tell. A node type that
   * does not say counts the pixels that go in and come out.
   */
  work?(args: {
    readonly inputs: { readonly [K in keyof In]?: PortFacts };
    readonly outputs: { readonly [K in keyof Out]?: PortFacts };
    readonly params: ParamsOf<Params>;
    readonly context: InferContext;
  }): NodeWork | undefined;
  run(args: {
    readonly inputs: ValuesOf<In>;
    readonly params: ParamsOf<Params>;
    readonly ctx: RunContext;
  }): Promise<ValuesOf<Out>> | ValuesOf<Out>;
}

/** A node definition whose ports and params are no longer known to the type system: what the engine holds. */
export interface AnyNodeDefinition extends Omit<NodeDefinition, 'infer' | 'work' | 'run' | 'live'> {
  readonly live?: LivePlayInfo & {
    open(args: {
      readonly params: Readonly<Record<string, string | number | boolean>>;
      readonly ctx: Pick<RunContext, 'models' | 'signal'>;
    }): Promise<LivePlay>;
  };
  infer?(args: {
    readonly inputs: Readonly<Record<string, PortFacts | undefined>>;
    readonly params: Readonly<Record<string, string | number | boolean>>;
    readonly context: InferContext;
  }): InferResult<PortMap>;
  work?(args: {
    readonly inputs: Readonly<Record<string, PortFacts | undefined>>;
    readonly outputs: Readonly<Record<string, PortFacts | undefined>>;
    readonly params: Readonly<Record<string, string | number | boolean>>;
    readonly context: InferContext;
  }): NodeWork | undefined;
  run(args: {
    readonly inputs: Readonly<Record<string, unknown>>;
    readonly params: Readonly<Record<string, string | number | boolean>>;
    readonly ctx: RunContext;
  }): Promise<Readonly<Record<string, unknown>>> | Readonly<Record<string, unknown>>;
}

/**
 * Declares a node type. Ports and params keep their literal types, so `run` sees typed inputs and params.
 *
 * The engine checks inputs and params against the declaration before it calls `run`, which is what makes the
 * one widening here sound.
 */
export function defineNode<
  const In extends PortMap,
  const Out extends PortMap,
  const Params extends ParamMap,
>(definition: NodeDefinition<In, Out, Params>): NodeDefinition<In, Out, Params> & AnyNodeDefinition {
  return definition as NodeDefinition<In, Out, Params> & AnyNodeDefinition;
}

/** The serialisable face of a definition, for the editor and the checks. */
export function describeNode(definition: AnyNodeDefinition): NodeTypeInfo {
  return {
    type: definition.type,
    version: definition.version,
    title: definition.title,
    description: definition.description,
    category: definition.category,
    synonyms: [...(definition.synonyms ?? [])],
    inputs: { ...definition.inputs },
    outputs: { ...definition.outputs },
    params: { ...definition.params },
    preview: definition.preview ?? 'none',
    isOutput: definition.isOutput ?? false,
    ...(definition.live === undefined ? {} : { live: describeLive(definition.live) }),
  };
}

function describeLive({ log, idle, keys, once, hint, fps }: LivePlayInfo): LivePlayInfo {
  return { log, idle, keys: { ...keys }, once: [...once], hint, fps };
}

/** Definitions by type name. */
export type NodeRegistry = ReadonlyMap<string, AnyNodeDefinition>;
