/**
 * Everything that can be known before a run: the checks of the document and what the node types infer. The same
 * answer for editor, command line and server.
 */
import {
  flattenSubgraphs,
  type GraphIssue,
  own,
  type ParamValue,
  type PortFacts,
  paramIssues,
  resolveModes,
  topologicalOrder,
  validateWorkflow,
  type Workflow,
  type WorkflowNode,
} from '@reelgraph/graph';
import type {
  AnyNodeDefinition,
  InferContext,
  InferFix,
  InferIssue,
  NodeRegistry,
} from '@reelgraph/node-api';
import { catalogueOf } from './catalogue.ts';
import { type FoundIssue, offerFixes } from './offer-fixes.ts';
import { selectNodes } from './plan.ts';

/** What is wrong, and what is known of every output: flat node id -> port -> facts. */
export interface WorkflowCheck {
  readonly issues: readonly GraphIssue[];
  readonly facts: Readonly<Record<string, Readonly<Record<string, PortFacts>>>>;
}

/**
 * Checks a document, complete or not; facts are given wherever they can be known. A fix is offered when it has been
 * seen to help: applied to a copy, it takes its issue away and brings no new error.
 */
export function checkWorkflow(
  workflow: Workflow,
  registry: NodeRegistry,
  context: InferContext,
): WorkflowCheck {
  const { found, facts } = inspect(workflow, registry, context);
  const issues = offerFixes({
    workflow,
    catalogue: catalogueOf(registry),
    facts,
    found,
    look: (changed) => inspect(changed, registry, context).found.map(({ issue }) => issue),
  });
  return { issues, facts };
}

/** What is known of every output, without a word about what is wrong. */
export function inferFacts(
  workflow: Workflow,
  registry: NodeRegistry,
  context: InferContext,
): WorkflowCheck['facts'] {
  return inspect(workflow, registry, context).facts;
}

/** What is wrong and known, with the fixes that node types propose, none of them tried. */
function inspect(
  workflow: Workflow,
  registry: NodeRegistry,
  context: InferContext,
): { readonly found: readonly FoundIssue[]; readonly facts: WorkflowCheck['facts'] } {
  const catalogue = catalogueOf(registry);
  const issues = validateWorkflow(workflow, catalogue);
  const found: FoundIssue[] = issues.map((issue) => ({ issue, proposed: [] }));
  const facts: Record<string, Readonly<Record<string, PortFacts>>> = {};
  const flat = flattenSubgraphs(workflow);
  if (!flat.ok) return { found, facts };
  const unfit = new Set(
    issues.flatMap(({ nodeId, param }) => (nodeId === undefined || param === undefined ? [] : [nodeId])),
  );
  const { nodes, edges } = resolveModes(flat.graph, workflow, catalogue);

  const fitting = edges.filter(({ from, to }) => {
    const [source, target] = [nodes.get(from[0]), nodes.get(to[0])];
    const output = own(catalogue.get(source?.type ?? '')?.outputs ?? {}, from[1]);
    const input = own(catalogue.get(target?.type ?? '')?.inputs ?? {}, to[1]);
    return output !== undefined && output.type === input?.type;
  });
  let sorted = topologicalOrder(nodes.keys(), fitting);
  if (!sorted.ok) {
    // Inside a loop nothing can be known; around it everything can.
    const looped = new Set(sorted.cycles.flat());
    sorted = topologicalOrder(
      [...nodes.keys()].filter((id) => !looped.has(id)),
      fitting,
    );
  }
  const into = new Map<string, { readonly port: string; readonly from: readonly [string, string] }[]>();
  for (const { from, to } of fitting) {
    const list = into.get(to[0]) ?? [];
    list.push({ port: to[1], from });
    into.set(to[0], list);
  }
  for (const id of sorted.ok ? sorted.order : []) {
    const node = nodes.get(id);
    const definition = node === undefined ? undefined : registry.get(node.type);
    const info = node === undefined ? undefined : catalogue.get(node.type);
    if (node === undefined || definition?.infer === undefined || info === undefined) continue;
    // `infer` may count on fit params; unfit ones are reported already. Those of inner nodes depend on the instance.
    if (unfit.has(id) || (id.includes('/') && paramIssues(id, node, info).length > 0)) continue;
    const inputs: Record<string, PortFacts | undefined> = {};
    for (const { port, from } of into.get(id) ?? []) inputs[port] = own(own(facts, from[0]) ?? {}, from[1]);
    const known = infer(id, node, definition, inputs, context, found);
    if (known !== undefined) facts[id] = known;
  }
  return { found, facts };
}

function infer(
  id: string,
  node: WorkflowNode,
  definition: AnyNodeDefinition,
  inputs: Readonly<Record<string, PortFacts | undefined>>,
  context: InferContext,
  found: FoundIssue[],
): Readonly<Record<string, PortFacts>> | undefined {
  const params: Record<string, ParamValue> = {};
  for (const [name, declared] of Object.entries(definition.params))
    params[name] = own(node.params, name) ?? declared.default;
  try {
    const result = definition.infer?.({ inputs, params, context });
    if (result === undefined) return undefined;
    for (const issue of result.issues) found.push({ issue: placed(id, issue), proposed: proposalsOf(issue) });
    const outputs: Record<string, PortFacts> = {};
    for (const [port, known] of Object.entries(result.outputs))
      if (known !== undefined) outputs[port] = known;
    return outputs;
  } catch {
    const issue: GraphIssue = {
      code: 'engine/infer-failed',
      severity: 'warning',
      message: `Node "${id}" (${definition.title}) could not be checked; this is a fault of the node type. The run may still work.`,
      nodeId: id,
    };
    found.push({ issue, proposed: [] });
    return undefined;
  }
}

function placed(nodeId: string, { code, severity, message, port, param }: InferIssue): GraphIssue {
  return {
    code,
    severity,
    message,
    nodeId,
    ...(port === undefined ? {} : { port }),
    ...(param === undefined ? {} : { param }),
  };
}

function proposalsOf({ fix, otherFixes = [] }: InferIssue): readonly InferFix[] {
  return fix === undefined ? otherFixes : [fix, ...otherFixes];
}

/**
 * The errors among `issues` that keep a run of `targets` from starting: those at nodes it needs, and those of
 * the document as a whole. A half-wired node off to the side stops nothing.
 */
export function blockingIssues(
  workflow: Workflow,
  registry: NodeRegistry,
  issues: readonly GraphIssue[],
  targets?: readonly string[],
): readonly GraphIssue[] {
  const selected = selectNodes(workflow, registry, targets);
  if (!selected.ok) {
    const errors = issues.filter(({ severity }) => severity === 'error');
    // The check words a loop or a recursion better; what only a run can find (nothing to do) is not in it.
    return errors.some(({ code }) => selected.issues.some((issue) => issue.code === code))
      ? errors
      : [...selected.issues, ...errors];
  }
  const needed = new Set(selected.order);
  const instances = new Set(
    selected.order.flatMap((id) => (id.includes('/') ? [id.slice(0, id.indexOf('/'))] : [])),
  );
  return issues.filter(
    ({ severity, nodeId }) =>
      severity === 'error' && (nodeId === undefined || needed.has(nodeId) || instances.has(nodeId)),
  );
}
