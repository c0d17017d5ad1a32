/**
 * From a document to what a run has to do: the nodes that the targets need, in order, with checked params,
 * resolved inputs and a cache key each. Linear in nodes and edges.
 */
import {
  ancestorsOf,
  checkParam,
  type FlatEdge,
  type FlatEndpoint,
  type FlatGraph,
  findCycles,
  flattenSubgraphs,
  type GraphIssue,
  type NodeTypeInfo,
  own,
  type ParamInfo,
  type ParamValue,
  type PortInfo,
  paramIssues,
  resolveModes,
  semanticText,
  type Workflow,
  type WorkflowNode,
} from '@reelgraph/graph';
import { type AnyNodeDefinition, describeNode, type NodeRegistry } from '@reelgraph/node-api';
import { digestOf, type KeyParts } from '@reelgraph/store';
import { cacheKey, keyField, keyHead, keyOfWorkflow, keyPart, paramKeyText } from './cache-key.ts';
import { catalogueOf } from './catalogue.ts';

/** Where an input comes from: a planned node by index, and its output port. */
export interface PlannedInput {
  readonly port: string;
  readonly from: number;
  readonly output: string;
}

export interface PlannedNode {
  /** Flat id: `<instance>/<inner>` for nodes inside subgraphs. */
  readonly id: string;
  readonly definition: AnyNodeDefinition;
  /** Every param of the declaration, defaults filled in, checked. */
  readonly params: Readonly<Record<string, ParamValue>>;
  /** At most one per port. */
  readonly inputs: readonly PlannedInput[];
  /** Undefined when the result must not be reused: the node or one it needs runs every time. */
  readonly key: string | undefined;
  /** An earlier node with the same key: the same computation, done once. */
  readonly sameAs: number | undefined;
}

/** What identified the bytes behind the names in params when the keys were made; unidentified ones are absent. */
export interface PlannedDigests {
  readonly models: ReadonlyMap<string, string>;
  readonly files: ReadonlyMap<string, string>;
}

/** What a run has to do. */
export interface RunPlan {
  /** What a node's key is made of; put together when asked, as most nodes of a rerun never are. */
  partsOf(node: PlannedNode): KeyParts;
  /** Every node after all it needs. */
  readonly nodes: readonly PlannedNode[];
  /** Indices of the targets. */
  readonly targets: readonly number[];
  /** Exposed outputs of the document that this run computes: name -> node and port. */
  readonly exposed: ReadonlyMap<string, { readonly from: number; readonly output: string }>;
  /** Targets that will not run because of a muted node: id -> that node. */
  readonly muted: ReadonlyMap<string, string>;
  readonly digests: PlannedDigests;
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
  const { order, indexOf } = selected;

  const issues: GraphIssue[] = [];
  const nodes: Draft[] = [];
  for (const id of order) {
    const node = prepareNode(id, selected, registry, issues);
    if (node !== undefined) nodes.push(node);
  }
  if (issues.length > 0) return { ok: false, issues };

  const digests = await resolveDigests(nodes, options);
  let workflowDigest: string | undefined;
  const digestOfWorkflow = (): string => {
    workflowDigest ??= digestOf(new TextEncoder().encode(semanticText(workflow)));
    return workflowDigest;
  };
  const paramText = (kind: ParamInfo['kind'], value: ParamValue): string => {
    // A model's name travels in what it makes; that of a file does not.
    if (kind === 'model') return paramKeyText(kind, `${value}:${digests.models.get(`${value}`) ?? ''}`);
    if (kind === 'file') return paramKeyText(kind, digests.files.get(`${value}`) ?? '');
    return paramKeyText(kind, value);
  };
  const sourceText = ({ from, output }: PlannedInput): string => `${nodes[from]?.key ?? ''} ${output}`;
  const partsOf = ({ definition, params, inputs }: PlannedNode): KeyParts => ({
    version: definition.version,
    params: Object.fromEntries(
      outlineOf(definition).params.map(({ name, kind }) => [name, paramText(kind, params[name] ?? '')]),
    ),
    inputs: Object.fromEntries(inputs.map((input) => [input.port, sourceText(input)])),
  });
  const keyOf = ({ definition, params, inputs }: PlannedNode): string => {
    const outline = outlineOf(definition);
    let parts = outline.keyHead;
    for (const { name, kind, keyField } of outline.params)
      parts += keyField + keyPart(paramText(kind, params[name] ?? ''));
    const byPort = inputs.length < 2 ? inputs : [...inputs].sort((a, b) => (a.port < b.port ? -1 : 1));
    for (const input of byPort)
      parts += (outline.inputKeyFields.get(input.port) ?? '') + keyPart(sourceText(input));
    return cacheKey(definition.usesWorkflow === true ? parts + keyOfWorkflow(digestOfWorkflow()) : parts);
  };

  const firstWithKey = new Map<string, number>();
  nodes.forEach((node, index) => {
    const { definition, params, inputs } = node;
    let cacheable = definition.cache !== 'none';
    for (const [at, input] of inputs.entries()) {
      const source = nodes[input.from];
      if (source?.key === undefined) cacheable = false;
      if (source?.sameAs !== undefined) inputs[at] = { ...input, from: source.sameAs };
    }
    for (const { name, kind } of outlineOf(definition).references) {
      if (params[name] !== '' && !digestsOf(digests, kind).has(`${params[name]}`)) cacheable = false;
    }
    if (!cacheable) return;
    node.key = keyOf(node);
    node.sameAs = firstWithKey.get(node.key);
    if (node.sameAs === undefined) firstWithKey.set(node.key, index);
  });

  const exposed = new Map<string, { from: number; output: string }>();
  for (const [name, [id, output]] of selected.exposed) {
    const from = indexOf.get(id);
    if (from !== undefined) exposed.set(name, { from, output });
  }
  const targets = selected.targets.flatMap((id) => indexOf.get(id) ?? []);
  return { ok: true, plan: { nodes, targets, exposed, muted: selected.muted, digests, partsOf } };
}

/** What planning asks of a definition, taken out once: a graph has many nodes of few types. */
interface Outline {
  readonly info: NodeTypeInfo;
  /** By name, the order of their parts in the key. */
  readonly params: readonly ParamOutline[];
  /** Params that name a model or a file. */
  readonly references: readonly ParamOutline[];
  readonly requiredInputs: readonly (readonly [string, PortInfo])[];
  readonly keyHead: string;
  readonly inputKeyFields: ReadonlyMap<string, string>;
}

interface ParamOutline {
  readonly name: string;
  readonly kind: ParamInfo['kind'];
  readonly declared: ParamInfo;
  readonly keyField: string;
}

const outlines = new WeakMap<AnyNodeDefinition, Outline>();

function outlineOf(definition: AnyNodeDefinition): Outline {
  const known = outlines.get(definition);
  if (known !== undefined) return known;
  const params = Object.entries(definition.params)
    .map(([name, declared]) => ({ name, kind: declared.kind, declared, keyField: keyField('param', name) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const outline: Outline = {
    info: describeNode(definition),
    params,
    references: params.filter(({ kind }) => kind === 'model' || kind === 'file'),
    requiredInputs: Object.entries(definition.inputs).filter(([, { optional }]) => optional !== true),
    keyHead: keyHead(definition.type, definition.version),
    inputKeyFields: new Map(Object.keys(definition.inputs).map((port) => [port, keyField('input', port)])),
  };
  outlines.set(definition, outline);
  return outline;
}

/** A planned node in the making. */
interface Draft extends PlannedNode {
  readonly inputs: PlannedInput[];
  key: string | undefined;
  sameAs: number | undefined;
}

/** Params with defaults and inputs by index; what is unfit goes to `issues`. */
function prepareNode(
  id: string,
  { nodes, edgesInto, indexOf }: Selection,
  registry: NodeRegistry,
  issues: GraphIssue[],
): Draft | undefined {
  const node = nodes.get(id);
  const definition = registry.get(node?.type ?? '');
  if (node === undefined || definition === undefined) {
    issues.push(
      issue('graph/unknown-type', `Node "${id}" has type "${node?.type ?? ''}", which is not installed.`, id),
    );
    return undefined;
  }
  const outline = outlineOf(definition);
  const { info } = outline;
  if (node.version > info.version) {
    issues.push(
      issue(
        'graph/newer-node',
        `Node "${id}" was made with version ${node.version} of ${info.title}; this Reelgraph has version ${info.version}.`,
        id,
      ),
    );
  }
  const params: Record<string, ParamValue> = {};
  let known = 0;
  let unfit = false;
  for (const { name, declared } of outline.params) {
    const given = own(node.params, name);
    if (given !== undefined) known += 1;
    const value = given ?? declared.default;
    params[name] = value;
    if (checkParam(declared, value) !== undefined) unfit = true;
  }
  // The words are looked for only where something is wrong.
  if (unfit || known !== Object.keys(node.params).length) issues.push(...paramIssues(id, node, info));

  let inputs: PlannedInput[] = [];
  for (const { from, to } of edgesInto.get(id) ?? []) {
    const source = registry.get(nodes.get(from[0])?.type ?? '');
    const type = source === undefined ? undefined : own(source.outputs, from[1])?.type;
    const index = indexOf.get(from[0]);
    const fits = type !== undefined && type === own(info.inputs, to[1])?.type && !hasInput(inputs, to[1]);
    if (index !== undefined && fits) {
      const input = { port: to[1], from: index, output: from[1] };
      // Grown to size: `push` would reserve room for more inputs than most nodes have.
      inputs = inputs.length === 0 ? [input] : [...inputs, input];
    } else {
      const message = `The wire from ${from.join('.')} to ${to.join('.')} does not fit.`;
      issues.push({ ...issue('graph/bad-edge', message, id), port: to[1] });
    }
  }
  for (const [port, { label }] of outline.requiredInputs) {
    if (hasInput(inputs, port)) continue;
    const message = `Node "${id}" (${info.title}): input "${label}" is not connected.`;
    issues.push({ ...issue('graph/missing-input', message, id), port });
  }
  return { id, definition, params, inputs, key: undefined, sameAs: undefined };
}

function hasInput(inputs: readonly PlannedInput[], port: string): boolean {
  for (const input of inputs) if (input.port === port) return true;
  return false;
}

interface Selection {
  readonly ok: true;
  readonly nodes: ReadonlyMap<string, WorkflowNode>;
  /** Targets and all they need, each after what it needs. */
  readonly order: readonly string[];
  /** Place in `order`. */
  readonly indexOf: ReadonlyMap<string, number>;
  readonly edgesInto: ReadonlyMap<string, readonly FlatEdge[]>;
  readonly targets: readonly string[];
  readonly exposed: ReadonlyMap<string, FlatEndpoint>;
  readonly muted: ReadonlyMap<string, string>;
}

type Refusal = { readonly ok: false; readonly issues: readonly GraphIssue[] };

/** Targets and all they need, in order. */
export function selectNodes(
  workflow: Workflow,
  registry: NodeRegistry,
  wanted: readonly string[] | undefined,
): Selection | Refusal {
  const flat = flattenSubgraphs(workflow);
  if (!flat.ok) return flat;
  const active = resolveModes(flat.graph, workflow, catalogueOf(registry));
  const exposed = new Map<string, FlatEndpoint>();
  for (const [name, { node, port }] of Object.entries(workflow.outputs)) {
    const endpoint = flat.outputAt([node, port]);
    if (endpoint !== undefined && active.nodes.has(endpoint[0])) exposed.set(name, endpoint);
  }
  const isOutput = (id: string): boolean =>
    registry.get(flat.graph.nodes.get(id)?.type ?? '')?.isOutput === true;

  const targets = new Set<string>();
  const muted = new Map<string, string>();
  const issues: GraphIssue[] = [];
  if (wanted === undefined) {
    for (const id of active.nodes.keys()) if (isOutput(id)) targets.add(id);
    for (const [id] of exposed.values()) targets.add(id);
    for (const [id, reason] of active.muted) if (id !== reason && isOutput(id)) muted.set(id, reason);
  } else {
    for (const id of wanted) {
      const inside = active.nodes.has(id)
        ? [id]
        : [...active.nodes.keys()].filter((flatId) => flatId.startsWith(`${id}/`));
      for (const flatId of inside) targets.add(flatId);
      const reason = active.muted.get(id);
      if (reason !== undefined) muted.set(id, reason);
      else if (inside.length === 0) {
        const bypassed = flat.graph.nodes.has(id);
        const why = bypassed ? 'it is bypassed, so it computes nothing' : 'there is no such node';
        issues.push(issue('engine/unknown-target', `Cannot compute "${id}": ${why}.`, id));
      }
    }
  }
  if (issues.length === 0 && targets.size === 0) {
    const isMuted = muted.size > 0;
    const why = isMuted
      ? 'everything it would compute is muted'
      : 'it has no output node and exposes no output';
    const message = `There is nothing to run: ${why}. Add a Save or Preview node.`;
    issues.push({ code: 'engine/nothing-to-run', severity: 'error', message });
  }
  if (issues.length > 0) return { ok: false, issues };

  const edgesInto = new Map<string, FlatEdge[]>();
  for (const edge of active.edges) {
    const list = edgesInto.get(edge.to[0]);
    if (list === undefined) edgesInto.set(edge.to[0], [edge]);
    else list.push(edge);
  }
  const order = orderUpTo(targets, edgesInto, active.nodes);
  if (order === undefined) return loops(targets, active);
  return { ok: true, nodes: active.nodes, ...order, edgesInto, targets: [...targets], exposed, muted };
}

/**
 * Targets and all they need, each after what it needs: a walk upstream, depth first, with a stack of its own.
 * Undefined when it comes back to a node it has not left.
 */
function orderUpTo(
  targets: Iterable<string>,
  edgesInto: ReadonlyMap<string, readonly FlatEdge[]>,
  nodes: ReadonlyMap<string, WorkflowNode>,
): Pick<Selection, 'order' | 'indexOf'> | undefined {
  /** Place in the order, or `onPath` while the walk is still above the node. */
  const indexOf = new Map<string, number>();
  const order: string[] = [];
  const path: { readonly id: string; next: number }[] = [];
  const enter = (id: string): void => {
    indexOf.set(id, onPath);
    path.push({ id, next: 0 });
  };
  for (const target of targets) {
    if (!indexOf.has(target)) enter(target);
    for (let visit = path.at(-1); visit !== undefined; visit = path.at(-1)) {
      const source = edgesInto.get(visit.id)?.[visit.next]?.from[0];
      visit.next += 1;
      if (source === undefined) {
        path.pop();
        indexOf.set(visit.id, order.length);
        order.push(visit.id);
        continue;
      }
      const index = indexOf.get(source);
      if (index === onPath) return undefined;
      if (index === undefined && nodes.has(source)) enter(source);
    }
  }
  return { order, indexOf };
}

const onPath = -1;

function loops(targets: Iterable<string>, { edges }: FlatGraph): Refusal {
  const cycles = findCycles(ancestorsOf(targets, edges), edges);
  return {
    ok: false,
    issues: cycles.map((cycle) => {
      const more = cycle.length > 8 ? ' …' : '';
      return issue(
        'graph/cycle',
        `These nodes need each other in a loop: ${cycle.slice(0, 8).join(', ')}${more}.`,
        cycle[0] ?? '',
      );
    }),
  };
}

function issue(code: string, message: string, nodeId: string): GraphIssue {
  return { code, severity: 'error', message, nodeId };
}

/** Asks once for each model and file that a param names. */
async function resolveDigests(nodes: readonly PlannedNode[], options: PlanOptions): Promise<PlannedDigests> {
  const pending = { models: new Map<string, Pending>(), files: new Map<string, Pending>() };
  for (const { definition, params } of nodes) {
    for (const { name, kind } of outlineOf(definition).references) {
      const value = params[name];
      const known = digestsOf(pending, kind);
      if (typeof value !== 'string' || value === '' || known.has(value)) continue;
      const digest = kind === 'model' ? options.digestOfModel(value) : options.digestOfFile(value);
      known.set(
        value,
        digest.catch(() => undefined),
      );
    }
  }
  return { models: await settled(pending.models), files: await settled(pending.files) };
}

type Pending = Promise<string | undefined>;

function digestsOf<T>({ models, files }: { models: T; files: T }, kind: ParamInfo['kind']): T {
  return kind === 'model' ? models : files;
}

async function settled(pending: ReadonlyMap<string, Pending>): Promise<Map<string, string>> {
  const digests = new Map<string, string>();
  for (const [name, digest] of pending) {
    const found = await digest;
    if (found !== undefined) digests.set(name, found);
  }
  return digests;
}
