/**
 * From a document to what a run has to do: the nodes that the targets need, in order, with checked params,
 * resolved inputs and a cache key each. Linear in nodes and edges.
 */
import {
  ancestorsOf,
  type FlatEdge,
  type FlatEndpoint,
  flattenSubgraphs,
  type GraphIssue,
  own,
  type ParamValue,
  paramIssues,
  resolveModes,
  semanticText,
  topologicalOrder,
  type Workflow,
} from '@reelgraph/graph';
import type { AnyNodeDefinition, NodeRegistry } from '@reelgraph/node-api';
import { digestOf } from '@reelgraph/store';
import { cacheKey, type KeyIngredients, paramKeyText } from './cache-key.ts';
import { catalogueOf } from './catalogue.ts';

/** Where an input comes from: a planned node by index, and its output port. */
export interface PlannedInput {
  readonly from: number;
  readonly port: string;
}

export interface PlannedNode {
  /** Flat id: `<instance>/<inner>` for nodes inside subgraphs. */
  readonly id: string;
  readonly definition: AnyNodeDefinition;
  /** Every param of the declaration, defaults filled in, checked. */
  readonly params: Readonly<Record<string, ParamValue>>;
  readonly inputs: ReadonlyMap<string, PlannedInput>;
  /** Undefined when the result must not be reused: the node or one it needs runs every time. */
  readonly key: string | undefined;
  readonly parts: KeyIngredients;
  /** An earlier node with the same key: the same computation, done once. */
  readonly sameAs: number | undefined;
}

/** What a run has to do. */
export interface RunPlan {
  /** Every node after all it needs. */
  readonly nodes: readonly PlannedNode[];
  /** Indices of the targets. */
  readonly targets: readonly number[];
  /** Exposed outputs of the document that this run computes: name -> node and port. */
  readonly exposed: ReadonlyMap<string, PlannedInput>;
  /** Targets that will not run because of a muted node: id -> that node. */
  readonly muted: ReadonlyMap<string, string>;
}

export type PlanResult =
  | { readonly ok: true; readonly plan: RunPlan }
  | { readonly ok: false; readonly issues: readonly GraphIssue[] };

export interface PlanOptions {
  /** Node ids of the document or flat ids; all output nodes and exposed outputs when absent. */
  readonly targets?: readonly string[];
  /** What identifies the bytes of a model. May fail: the node then fails with its own, better message. */
  readonly digestOfModel: (name: string) => Promise<string>;
  /** SHA-256 of an input file. May fail likewise. */
  readonly digestOfFile: (name: string) => Promise<string>;
}

/** Plans a run, or says what is wrong with the part of the document that it would touch. */
export async function planRun(
  workflow: Workflow,
  registry: NodeRegistry,
  options: PlanOptions,
): Promise<PlanResult> {
  const selected = selectNodes(workflow, registry, options.targets);
  if (!selected.ok) return selected;
  const { order, edgesInto, nodes: flatNodes } = selected;
  const catalogue = catalogueOf(registry);

  const issues: GraphIssue[] = [];
  const indexOf = new Map(order.map((id, index): [string, number] => [id, index]));
  const drafts = order.flatMap((id) => {
    const node = flatNodes.get(id);
    const definition = node === undefined ? undefined : registry.get(node.type);
    const info = node === undefined ? undefined : catalogue.get(node.type);
    if (node === undefined || definition === undefined || info === undefined) {
      issues.push(
        issue(
          'graph/unknown-type',
          `Node "${id}" has type "${node?.type ?? ''}", which is not installed.`,
          id,
        ),
      );
      return [];
    }
    if (node.version > info.version) {
      issues.push(
        issue(
          'graph/newer-node',
          `Node "${id}" was made with version ${node.version} of ${info.title}; this Reelgraph has version ${info.version}.`,
          id,
        ),
      );
    }
    issues.push(...paramIssues(id, node, info));
    const params: Record<string, ParamValue> = {};
    for (const [name, declared] of Object.entries(info.params))
      params[name] = own(node.params, name) ?? declared.default;
    const inputs = new Map<string, PlannedInput>();
    for (const { from, to } of edgesInto.get(id) ?? []) {
      const source = flatNodes.get(from[0]);
      const output =
        source === undefined ? undefined : own(catalogue.get(source.type)?.outputs ?? {}, from[1]);
      const input = own(info.inputs, to[1]);
      const index = indexOf.get(from[0]);
      if (
        index === undefined ||
        output === undefined ||
        input === undefined ||
        input.type !== output.type ||
        inputs.has(to[1])
      ) {
        issues.push({
          ...issue('graph/bad-edge', `The wire from ${from.join('.')} to ${to.join('.')} does not fit.`, id),
          port: to[1],
        });
      } else inputs.set(to[1], { from: index, port: from[1] });
    }
    for (const [port, declared] of Object.entries(info.inputs)) {
      if (declared.optional === true || inputs.has(port)) continue;
      issues.push({
        ...issue(
          'graph/missing-input',
          `Node "${id}" (${info.title}): input "${declared.label}" is not connected.`,
          id,
        ),
        port,
      });
    }
    return [{ id, definition, params, inputs }];
  });
  if (issues.length > 0) return { ok: false, issues };

  const digests = await resolveDigests(drafts, options);
  let workflowDigest: string | undefined;
  const nodes: PlannedNode[] = [];
  const firstWithKey = new Map<string, number>();
  for (const draft of drafts) {
    const { id, definition, params } = draft;
    const texts: Record<string, string> = {};
    let cacheable = definition.cache !== 'none';
    for (const [name, declared] of Object.entries(definition.params)) {
      const value = params[name] ?? declared.default;
      if ((declared.kind === 'model' || declared.kind === 'file') && value !== '') {
        const digest = digests.get(`${declared.kind} ${value}`);
        if (digest === undefined) cacheable = false;
        // A model's name travels in what it makes; that of a file does not.
        texts[name] =
          declared.kind === 'model'
            ? paramKeyText('model', `${value}:${digest ?? ''}`)
            : paramKeyText('file', digest ?? '');
      } else texts[name] = paramKeyText(declared.kind, value);
    }
    const inputs = new Map<string, PlannedInput>();
    const sources: Record<string, string> = {};
    for (const [port, { from, port: output }] of draft.inputs) {
      const source = nodes[from];
      if (source?.key === undefined) cacheable = false;
      sources[port] = `${source?.key ?? ''} ${output}`;
      inputs.set(port, { from: source?.sameAs ?? from, port: output });
    }
    const parts: KeyIngredients = { version: definition.version, params: texts, inputs: sources };
    let key: string | undefined;
    if (cacheable) {
      if (definition.usesWorkflow === true) {
        workflowDigest ??= digestOf(new TextEncoder().encode(semanticText(workflow)));
        key = cacheKey(definition.type, { ...parts, workflow: workflowDigest });
      } else key = cacheKey(definition.type, parts);
    }
    const sameAs = key === undefined ? undefined : firstWithKey.get(key);
    if (key !== undefined && sameAs === undefined) firstWithKey.set(key, nodes.length);
    nodes.push({ id, definition, params, inputs, key, parts, sameAs });
  }

  const exposed = new Map<string, PlannedInput>();
  for (const [name, endpoint] of selected.exposed) {
    const from = indexOf.get(endpoint[0]);
    if (from !== undefined) exposed.set(name, { from, port: endpoint[1] });
  }
  const targets = selected.targets.flatMap((id) => indexOf.get(id) ?? []);
  return { ok: true, plan: { nodes, targets, exposed, muted: selected.muted } };
}

interface Selection {
  readonly ok: true;
  readonly nodes: ReadonlyMap<string, Workflow['nodes'][string]>;
  readonly order: readonly string[];
  readonly edgesInto: ReadonlyMap<string, readonly FlatEdge[]>;
  readonly targets: readonly string[];
  readonly exposed: ReadonlyMap<string, FlatEndpoint>;
  readonly muted: ReadonlyMap<string, string>;
}

/** Targets and all they need, in order. */
export function selectNodes(
  workflow: Workflow,
  registry: NodeRegistry,
  wanted: readonly string[] | undefined,
): Selection | { readonly ok: false; readonly issues: readonly GraphIssue[] } {
  const flat = flattenSubgraphs(workflow);
  if (!flat.ok) return flat;
  const active = resolveModes(flat.graph, workflow, catalogueOf(registry));
  const exposed = new Map<string, FlatEndpoint>();
  for (const [name, { node, port }] of Object.entries(workflow.outputs)) {
    const endpoint = flat.outputAt([node, port]);
    if (endpoint !== undefined && active.nodes.has(endpoint[0])) exposed.set(name, endpoint);
  }

  const targets = new Set<string>();
  const muted = new Map<string, string>();
  const issues: GraphIssue[] = [];
  if (wanted === undefined) {
    for (const [id, node] of active.nodes) if (registry.get(node.type)?.isOutput === true) targets.add(id);
    for (const [id] of exposed.values()) targets.add(id);
    for (const [id, reason] of active.muted) {
      if (id !== reason && registry.get(flat.graph.nodes.get(id)?.type ?? '')?.isOutput === true)
        muted.set(id, reason);
    }
  } else {
    for (const id of wanted) {
      const inside = [...active.nodes.keys()].filter(
        (flatId) => flatId === id || flatId.startsWith(`${id}/`),
      );
      for (const flatId of inside) targets.add(flatId);
      const reason = active.muted.get(id);
      if (reason !== undefined) muted.set(id, reason);
      else if (inside.length === 0) {
        const why = flat.graph.nodes.has(id)
          ? 'it is bypassed, so it computes nothing'
          : 'there is no such node';
        issues.push(issue('engine/unknown-target', `Cannot compute "${id}": ${why}.`, id));
      }
    }
  }
  if (issues.length === 0 && targets.size === 0) {
    const why =
      muted.size > 0 ? 'everything it would compute is muted' : 'it has no output node and exposes no output';
    issues.push({
      code: 'engine/nothing-to-run',
      severity: 'error',
      message: `There is nothing to run: ${why}. Add a Save or Preview node.`,
    });
  }
  if (issues.length > 0) return { ok: false, issues };

  const needed = ancestorsOf(targets, active.edges);
  const ids = [...active.nodes.keys()].filter((id) => needed.has(id));
  const edges = active.edges.filter(({ to }) => needed.has(to[0]));
  const sorted = topologicalOrder(ids, edges);
  if (!sorted.ok) {
    return {
      ok: false,
      issues: sorted.cycles.map((cycle) =>
        issue(
          'graph/cycle',
          `These nodes need each other in a loop: ${cycle.slice(0, 8).join(', ')}${cycle.length > 8 ? ' …' : ''}.`,
          cycle[0] ?? '',
        ),
      ),
    };
  }
  const edgesInto = new Map<string, FlatEdge[]>();
  for (const edge of edges) {
    const list = edgesInto.get(edge.to[0]);
    if (list === undefined) edgesInto.set(edge.to[0], [edge]);
    else list.push(edge);
  }
  return {
    ok: true,
    nodes: active.nodes,
    order: sorted.order,
    edgesInto,
    targets: [...targets],
    exposed,
    muted,
  };
}

function issue(code: string, message: string, nodeId: string): GraphIssue {
  return { code, severity: 'error', message, nodeId };
}

/** Digests by `kind name`; those that cannot be had are absent. */
async function resolveDigests(
  drafts: readonly {
    readonly definition: AnyNodeDefinition;
    readonly params: Readonly<Record<string, ParamValue>>;
  }[],
  options: PlanOptions,
): Promise<Map<string, string>> {
  const pending = new Map<string, Promise<string | undefined>>();
  for (const { definition, params } of drafts) {
    for (const [name, { kind }] of Object.entries(definition.params)) {
      const value = params[name];
      if ((kind !== 'model' && kind !== 'file') || typeof value !== 'string' || value === '') continue;
      const id = `${kind} ${value}`;
      if (pending.has(id)) continue;
      const digest = kind === 'model' ? options.digestOfModel(value) : options.digestOfFile(value);
      pending.set(
        id,
        digest.catch(() => undefined),
      );
    }
  }
  const digests = new Map<string, string>();
  for (const [id, digest] of pending) {
    const found = await digest;
    if (found !== undefined) digests.set(id, found);
  }
  return digests;
}
