/**
 * Everything that is wrong with a workflow, found by looking: all problems at once, each with its place and,
 * where one exists, a fix. Linear in nodes and edges.
 */

import { type EdgeScope, edgeFault } from './connect.ts';
import type { Endpoint, ParamValue, Workflow, WorkflowEdge, WorkflowNode } from './document.ts';
import { flattenSubgraphs, sourceBehindBypass } from './flatten.ts';
import type { GraphIssue } from './issues.ts';
import { didYouMean } from './names.ts';
import type { NodeCatalogue, NodeTypeInfo } from './node-type.ts';
import { checkParam } from './params.ts';
import { own, subgraphOf, subgraphOrder, withSubgraphs } from './subgraph-types.ts';
import { adjacency, findCycles } from './topology.ts';

/** Checks a workflow against the node types there are; the list is empty when it can run. */
export function validateWorkflow(workflow: Workflow, catalogue: NodeCatalogue): GraphIssue[] {
  const recursion = subgraphOrder(workflow).issues;
  const types = withSubgraphs(workflow, catalogue);
  const issues: GraphIssue[] = [...recursion];
  for (const [name, subgraph] of Object.entries(workflow.subgraphs)) {
    const fed = new Set(
      Object.values(subgraph.inputs).flatMap(({ to }) => to.map((endpoint) => endpoint.join(' '))),
    );
    checkScope({ scope: subgraph, place: ['subgraphs', name], fed }, types, issues);
    checkSubgraphInterface(workflow, name, types, issues);
  }
  checkScope({ scope: workflow, place: [], fed: new Set() }, types, issues);
  checkInterface(workflow, types, issues);
  if (recursion.length === 0) {
    const flat = flattenSubgraphs(workflow);
    if (!flat.ok) issues.push(...flat.issues);
  }
  return issues;
}

interface Place {
  readonly scope: EdgeScope;
  /** Path of the scope in the document; empty for the workflow itself. */
  readonly place: readonly string[];
  /** Inputs fed from outside the scope, as `node port`. */
  readonly fed: ReadonlySet<string>;
}

function checkScope({ scope, place, fed }: Place, types: NodeCatalogue, issues: GraphIssue[]): void {
  /** Ids are unique in the workflow itself; inside a subgraph only the path tells. */
  const at = (nodeId: string, ...rest: (string | number)[]): Pick<GraphIssue, 'nodeId' | 'path'> => ({
    path: [...place, 'nodes', nodeId, ...rest],
    ...(place.length === 0 ? { nodeId } : {}),
  });
  for (const [id, node] of Object.entries(scope.nodes)) {
    const info = types.get(node.type);
    if (info === undefined) {
      issues.push({
        code: 'graph/unknown-type',
        severity: 'error',
        message: unknownType(id, node, types),
        ...at(id, 'type'),
      });
      continue;
    }
    checkVersion(id, node, info, at(id, 'version'), issues);
    for (const issue of paramIssues(id, node, info)) {
      const { fix, nodeId: _, ...rest } = issue;
      const canFix = place.length === 0 && fix !== undefined;
      issues.push({ ...rest, ...(canFix ? { fix } : {}), ...at(id, 'params', issue.param ?? '') });
    }
  }
  const valid = checkEdges({ scope, place, fed }, types, issues);
  for (const cycle of findCycles(Object.keys(scope.nodes), valid)) {
    const shown = cycle.slice(0, 8).map((id) => `"${id}"`);
    if (cycle.length > shown.length) shown.push(`${cycle.length - shown.length} more`);
    const closing = valid.find(({ from, to }) => to[0] === cycle[0] && cycle.includes(from[0]));
    issues.push({
      code: 'graph/cycle',
      severity: 'error',
      message: `These nodes need each other in a loop, so none can start: ${shown.join(', ')}. Remove one of the wires between them.`,
      ...at(cycle[0] ?? ''),
      ...(closing === undefined || place.length > 0 ? {} : { fix: removeEdge(closing) }),
    });
  }
  checkRequiredInputs({ scope, place, fed }, valid, types, issues);
}

function unknownType(id: string, node: WorkflowNode, types: NodeCatalogue): string {
  const subgraph = subgraphOf(node.type);
  if (subgraph !== undefined)
    return `Node "${id}" is an instance of subgraph "${subgraph}", which this document does not define.`;
  return `Node "${id}" has type "${node.type}", which is not installed.${didYouMean(node.type, types.keys())}`;
}

function checkVersion(
  id: string,
  node: WorkflowNode,
  info: NodeTypeInfo,
  where: Pick<GraphIssue, 'nodeId' | 'path'>,
  issues: GraphIssue[],
): void {
  if (node.version > info.version) {
    issues.push({
      code: 'graph/newer-node',
      severity: 'error',
      message: `Node "${id}" was made with version ${node.version} of ${info.title}; this Reelgraph has version ${info.version}. Update Reelgraph to run it.`,
      ...where,
    });
  } else if (node.version < info.version) {
    issues.push({
      code: 'graph/older-node',
      severity: 'warning',
      message: `Node "${id}" was made with version ${node.version} of ${info.title} and runs as version ${info.version}; its result may differ.`,
      ...where,
    });
  }
}

/** What is wrong with the params of one node. `flatId` names it in messages; it may be a path. */
export function paramIssues(flatId: string, node: WorkflowNode, info: NodeTypeInfo): GraphIssue[] {
  const issues: GraphIssue[] = [];
  for (const name of Object.keys(node.params)) {
    if (own(info.params, name) !== undefined) continue;
    const names = Object.keys(info.params);
    const known =
      names.length === 0 ? 'it has none' : `it has ${names.map((param) => `"${param}"`).join(', ')}`;
    issues.push({
      code: 'graph/unknown-param',
      severity: 'error',
      message: `Node "${flatId}" (${info.title}) has no param "${name}"; ${known}.${didYouMean(name, names)}`,
      nodeId: flatId,
      param: name,
    });
  }
  for (const [name, declared] of Object.entries(info.params)) {
    // A default may be unfit by itself: an empty prompt that must say something.
    const problem = checkParam(declared, own(node.params, name) ?? declared.default);
    if (problem === undefined) continue;
    issues.push({
      code: problem.code,
      severity: 'error',
      message: `Node "${flatId}": "${declared.label}" ${problem.message}.`,
      nodeId: flatId,
      param: name,
      ...(problem.suggestion === undefined
        ? {}
        : { fix: setParam(flatId, name, declared.label, problem.suggestion) }),
    });
  }
  return issues;
}

function setParam(
  nodeId: string,
  param: string,
  label: string,
  value: ParamValue,
): NonNullable<GraphIssue['fix']> {
  const shown = JSON.stringify(value);
  return {
    kind: 'set-param',
    label: `Set ${label} to ${shown.length > 40 ? `${shown.slice(0, 40)}…` : shown}`,
    nodeId,
    param,
    value,
  };
}

function removeEdge(edge: WorkflowEdge): NonNullable<GraphIssue['fix']> {
  return { kind: 'remove-edge', label: 'Remove this wire', from: edge.from, to: edge.to };
}

/** Reports unfit edges and gives back those between known nodes, which is what cycles are made of. */
function checkEdges({ scope, place }: Place, types: NodeCatalogue, issues: GraphIssue[]): WorkflowEdge[] {
  const feeding = new Map<string, Endpoint>();
  const valid: WorkflowEdge[] = [];
  scope.edges.forEach((edge, index) => {
    const where = {
      ...(place.length === 0 ? { nodeId: edge.to[0], fix: removeEdge(edge) } : {}),
      port: edge.to[1],
      path: [...place, 'edges', index],
    };
    const name = `The wire from ${edge.from.join('.')} to ${edge.to.join('.')}`;
    const fault = edgeFault(scope, types, edge.from, edge.to);
    // An edge at a node of unknown type may well be right; the missing type is reported at the node.
    if (fault !== undefined && fault.code !== 'graph/unknown-type') {
      const code = fault.code === 'graph/unknown-node' ? 'graph/dangling-edge' : fault.code;
      issues.push({ code, severity: 'error', message: `${name}: ${fault.reason}.`, ...where });
      return;
    }
    const key = edge.to.join(' ');
    const first = feeding.get(key);
    if (first !== undefined) {
      issues.push({
        code: 'graph/input-taken',
        severity: 'error',
        message: `${name}: this input is already fed by ${first.join('.')}, and an input takes one wire. Remove one of the two.`,
        ...where,
      });
      return;
    }
    feeding.set(key, edge.from);
    valid.push(edge);
  });
  return valid;
}

function checkRequiredInputs(
  { scope, place, fed }: Place,
  edges: readonly WorkflowEdge[],
  types: NodeCatalogue,
  issues: GraphIssue[],
): void {
  const nodes = new Map(Object.entries(scope.nodes));
  const sourceOf = sourceBehindBypass({ nodes, edges }, types);
  const arriving = new Map(edges.map((edge) => [edge.to.join(' '), edge.from]));
  const muted = mutedBy(nodes, edges);
  for (const [id, node] of nodes) {
    const info = types.get(node.type);
    if (info === undefined || node.mode !== undefined) continue;
    const reason = muted.get(id);
    if (reason !== undefined) {
      issues.push({
        code: 'graph/muted-upstream',
        severity: 'warning',
        message: `${nodeName(id, node, types)} will not run because it needs ${nodeName(reason, nodes.get(reason), types)}, which is muted.`,
        path: [...place, 'nodes', id],
        ...(place.length === 0 ? { nodeId: id } : {}),
      });
      continue;
    }
    for (const [port, declared] of Object.entries(info.inputs)) {
      if (declared.optional === true || fed.has(`${id} ${port}`)) continue;
      const from = arriving.get(`${id} ${port}`);
      if (from !== undefined && sourceOf(from) !== undefined) continue;
      const why =
        from === undefined
          ? 'is not connected'
          : `gets nothing, because "${from[0]}" is bypassed and has no ${declared.type} to pass on`;
      issues.push({
        code: 'graph/missing-input',
        severity: 'error',
        message: `${nodeName(id, node, types)}: input "${declared.label}" ${why}.${sourcesOf(declared.type, types)}`,
        port,
        path: [...place, 'nodes', id],
        ...(place.length === 0 ? { nodeId: id } : {}),
      });
    }
  }
}

/** A node as its owner sees it, and as the document calls it. */
function nodeName(id: string, node: WorkflowNode | undefined, types: NodeCatalogue): string {
  const title = node?.title ?? types.get(node?.type ?? '')?.title;
  return title === undefined ? `"${id}"` : `${title} ("${id}")`;
}

/** Where a value of a type can come from: the first few node types that make one. */
function sourcesOf(type: string, types: NodeCatalogue): string {
  const makers = [...types.values()].filter((info) =>
    Object.values(info.outputs).some((port) => port.type === type),
  );
  const titles = makers.slice(0, 3).map((info) => info.title);
  return titles.length === 0 ? ` It takes ${type}.` : ` Wire it from ${titles.join(', or ')}.`;
}

/** Nodes that a muted node keeps from running, with that node. */
function mutedBy(
  nodes: ReadonlyMap<string, WorkflowNode>,
  edges: readonly WorkflowEdge[],
): Map<string, string> {
  const reasons = new Map<string, string>();
  for (const [id, node] of nodes) if (node.mode === 'muted') reasons.set(id, id);
  if (reasons.size === 0) return reasons;
  const next = adjacency(edges, 'downstream');
  for (const [id, reason] of reasons) {
    for (const other of next.get(id) ?? []) if (!reasons.has(other)) reasons.set(other, reason);
  }
  return reasons;
}

function checkInterface(workflow: Workflow, types: NodeCatalogue, issues: GraphIssue[]): void {
  for (const [name, { node: id, param }] of Object.entries(workflow.inputs)) {
    const node = own(workflow.nodes, id);
    const info = node === undefined ? undefined : types.get(node.type);
    if (node !== undefined && (info === undefined || own(info.params, param) !== undefined)) continue;
    const what = node === undefined ? `there is no node "${id}"` : `node "${id}" has no param "${param}"`;
    issues.push({
      code: 'graph/exposed-input',
      severity: 'warning',
      message: `The exposed input "${name}" sets nothing: ${what}.`,
      path: ['inputs', name],
    });
  }
  for (const [name, { node: id, port }] of Object.entries(workflow.outputs)) {
    const node = own(workflow.nodes, id);
    const info = node === undefined ? undefined : types.get(node.type);
    if (node !== undefined && (info === undefined || own(info.outputs, port) !== undefined)) continue;
    const what = node === undefined ? `there is no node "${id}"` : `node "${id}" has no output "${port}"`;
    issues.push({
      code: 'graph/exposed-output',
      severity: 'warning',
      message: `The exposed output "${name}" gives nothing: ${what}.`,
      path: ['outputs', name],
    });
  }
}

function checkSubgraphInterface(
  workflow: Workflow,
  name: string,
  types: NodeCatalogue,
  issues: GraphIssue[],
): void {
  const subgraph = own(workflow.subgraphs, name);
  if (subgraph === undefined) return;
  const infoOf = (id: string): NodeTypeInfo | undefined => {
    const node = own(subgraph.nodes, id);
    return node === undefined ? undefined : types.get(node.type);
  };
  const report = (list: string, key: string, message: string): void => {
    issues.push({
      code: 'graph/subgraph-interface',
      severity: 'error',
      message,
      path: ['subgraphs', name, list, key],
    });
  };
  for (const [port, { type, to }] of Object.entries(subgraph.inputs)) {
    for (const [id, inner] of to) {
      const info = infoOf(id);
      if (own(subgraph.nodes, id) !== undefined && info === undefined) continue;
      const found = info === undefined ? undefined : own(info.inputs, inner)?.type;
      if (found !== type) report('inputs', port, portFault('input', name, port, type, [id, inner], found));
    }
  }
  for (const [port, { type, from }] of Object.entries(subgraph.outputs)) {
    const info = infoOf(from[0]);
    if (own(subgraph.nodes, from[0]) !== undefined && info === undefined) continue;
    const found = info === undefined ? undefined : own(info.outputs, from[1])?.type;
    if (found !== type) report('outputs', port, portFault('output', name, port, type, from, found));
  }
  for (const [param, target] of Object.entries(subgraph.params)) {
    const info = infoOf(target.node);
    if (own(subgraph.nodes, target.node) !== undefined && info === undefined) continue;
    if (info !== undefined && own(info.params, target.param) !== undefined) continue;
    report(
      'params',
      param,
      `Param "${param}" of subgraph "${name}" sets nothing: there is no ${target.node}.${target.param} inside.`,
    );
  }
}

function portFault(
  side: 'input' | 'output',
  subgraph: string,
  port: string,
  type: string,
  inner: Endpoint,
  found: string | undefined,
): string {
  const stands = `${side} "${port}" of subgraph "${subgraph}" stands for ${inner.join('.')} inside`;
  return found === undefined
    ? `The ${stands}, which does not exist.`
    : `The ${stands}, which is ${found}, not ${type}.`;
}
