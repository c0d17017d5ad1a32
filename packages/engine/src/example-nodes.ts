/** Node types and documents for tests of the engine: small nodes whose every run is counted. */
import type { RunEvent, Workflow } from '@reelgraph/graph';
import {
  type AnyNodeDefinition,
  type CachePolicy,
  defineNode,
  type Lane,
  type NodeRegistry,
  type RunContext,
} from '@reelgraph/node-api';
import { absentServices } from './absent-services.ts';
import { createEngine } from './engine.ts';
import type { EngineOptions, RunRequest, RunResult } from './engine-types.ts';

const number = { type: 'number', label: 'Number', description: '' } as const;
const term = { kind: 'number', label: 'Term', description: '', default: 0, min: -1000, max: 1000 } as const;

/** What a test lets a node do beside its sum. */
export type During = (ctx: RunContext, term: number) => void | Promise<void>;

export interface SumOptions {
  readonly cache?: CachePolicy;
  readonly lane?: Lane;
  readonly isOutput?: boolean;
  readonly version?: number;
  readonly usesWorkflow?: boolean;
}

/** `sum`: adds its inputs `a`, `b` and its param `term`; each run is noted in `ran` and may do something else. */
export function sumNode(
  type: string,
  ran: string[],
  during: During = () => undefined,
  options: SumOptions = {},
): AnyNodeDefinition {
  return defineNode({
    type,
    version: options.version ?? 1,
    title: type,
    description: '',
    category: 'Test',
    inputs: { a: { ...number, optional: true }, b: { ...number, optional: true } },
    outputs: { sum: number },
    params: { term },
    cache: options.cache ?? 'memory',
    lane: options.lane ?? 'cpu',
    isOutput: options.isOutput ?? false,
    usesWorkflow: options.usesWorkflow ?? false,
    infer: ({ inputs }) => ({
      outputs: { sum: { frameCount: (inputs.a?.frameCount ?? 0) + 1 } },
      issues: [],
    }),
    async run({ inputs, params, ctx }) {
      ran.push(ctx.nodeId);
      await during(ctx, params.term);
      return { sum: (inputs.a ?? 0) + (inputs.b ?? 0) + params.term };
    },
  });
}

export function registryOf(...definitions: AnyNodeDefinition[]): NodeRegistry {
  return new Map(definitions.map((definition) => [definition.type, definition]));
}

/** A document from `id: [type, term]` and lines `a.sum -> b.a`. */
export function document(
  nodes: Record<string, readonly [string, number?]>,
  edges: readonly string[] = [],
  rest: Partial<Workflow> = {},
): Workflow {
  return {
    reelgraph: 1,
    name: 'Test',
    description: '',
    inputs: {},
    outputs: {},
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([id, [type, value]]) => [
        id,
        { type, version: 1, params: value === undefined ? {} : { term: value } },
      ]),
    ),
    edges: edges.map((line) => {
      const [, from = '', output = '', to = '', input = ''] =
        /^(\w+)\.(\w+) -> (\w+)\.(\w+)$/.exec(line) ?? [];
      if (input === '') throw new Error(`not an edge: ${line}`);
      return { from: [from, output], to: [to, input] };
    }),
    subgraphs: {},
    groups: {},
    comments: {},
    layout: { nodes: {} },
    ...rest,
  };
}

export interface Recorded extends RunResult {
  readonly events: readonly RunEvent[];
  /** `started a`, `cached b`, … in order, without the run's own events. */
  readonly story: readonly string[];
}

export interface TestEngine {
  run(workflow: Workflow, request?: Partial<RunRequest>): Promise<Recorded>;
  dropMemory(): void;
  hasStuckNodes(): boolean;
}

/** An engine whose runs come back with their events. */
export function testEngine(registry: NodeRegistry, options: Partial<EngineOptions> = {}): TestEngine {
  const engine = createEngine({ registry, ...absentServices, ...options });
  return {
    dropMemory: () => engine.dropMemory(),
    hasStuckNodes: () => engine.hasStuckNodes(),
    async run(workflow, request = {}) {
      const events: RunEvent[] = [];
      const result = await engine.run({
        runId: 'run',
        workflow,
        ...request,
        onEvent: (event) => {
          events.push(event);
          request.onEvent?.(event);
        },
      });
      const story = events.flatMap((event) =>
        'nodeId' in event ? [`${event.type.replace('node.', '')} ${event.nodeId}`] : [],
      );
      return { ...result, events, story };
    },
  };
}

/** The number that a target gave, as shown. */
export function shown(result: RunResult, id: string, port = 'sum'): string | undefined {
  return result.outputs.get(id)?.[port]?.text;
}
