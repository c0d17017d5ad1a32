/** Sets params of a workflow from outside: `--set` of the command line, the form view, the HTTP body. */
import type { ParamValue, Workflow } from './document.ts';
import type { GraphIssue } from './issues.ts';
import { nearestName } from './names.ts';
import type { NodeCatalogue } from './node-type.ts';
import { checkParam, parseParamText } from './params.ts';
import { own, withSubgraphs } from './subgraph-types.ts';

export type ApplyInputsResult =
  | { readonly ok: true; readonly workflow: Workflow }
  | { readonly ok: false; readonly issues: readonly GraphIssue[] };

/**
 * A copy of the workflow with values set. A name is that of an exposed input, or `node.param`. Texts are read
 * by the kind of the param, so `"12"` sets a number.
 */
export function applyInputs(
  workflow: Workflow,
  values: ReadonlyMap<string, ParamValue> | Readonly<Record<string, ParamValue>>,
  catalogue: NodeCatalogue,
): ApplyInputsResult {
  const types = withSubgraphs(workflow, catalogue);
  const issues: GraphIssue[] = [];
  const nodes = { ...workflow.nodes };
  const entries = values instanceof Map ? [...values] : Object.entries(values);
  for (const [name, value] of entries) {
    const target = own(workflow.inputs, name) ?? splitName(name);
    const node = target === undefined ? undefined : own(nodes, target.node);
    if (target === undefined || node === undefined) {
      issues.push(unknownName(workflow, types, name));
      continue;
    }
    const info = types.get(node.type);
    const declared = info === undefined ? undefined : own(info.params, target.param);
    if (declared === undefined) {
      issues.push(
        info === undefined
          ? {
              code: 'input/unknown-type',
              severity: 'error',
              message: `Cannot set "${name}": node type "${node.type}" is not installed.`,
              nodeId: target.node,
            }
          : unknownName(workflow, types, name),
      );
      continue;
    }
    const read =
      typeof value === 'string'
        ? parseParamText(declared, value)
        : declared.kind === 'seed' && typeof value === 'number'
          ? String(value)
          : value;
    const problem = checkParam(declared, read);
    if (problem !== undefined) {
      issues.push({
        code: problem.code,
        severity: 'error',
        message: `"${name}" ${problem.message}.`,
        nodeId: target.node,
        param: target.param,
      });
      continue;
    }
    nodes[target.node] = { ...node, params: { ...node.params, [target.param]: read } };
  }
  return issues.length > 0 ? { ok: false, issues } : { ok: true, workflow: { ...workflow, nodes } };
}

function splitName(name: string): { node: string; param: string } | undefined {
  const dot = name.indexOf('.');
  return dot < 0 ? undefined : { node: name.slice(0, dot), param: name.slice(dot + 1) };
}

function unknownName(workflow: Workflow, types: NodeCatalogue, name: string): GraphIssue {
  const exposed = Object.keys(workflow.inputs);
  const all = Object.entries(workflow.nodes).flatMap(([id, node]) =>
    Object.keys(types.get(node.type)?.params ?? {}).map((param) => `${id}.${param}`),
  );
  const nearest =
    nearestName(name, name.includes('.') ? all : exposed) ?? all.find((full) => full.endsWith(`.${name}`));
  const guess = nearest === undefined ? '' : ` Did you mean "${nearest}"?`;
  const offered =
    exposed.length === 0
      ? 'It exposes no inputs; use node.param.'
      : `It has: ${exposed.join(', ')}; or use node.param.`;
  return {
    code: 'input/unknown-name',
    severity: 'error',
    message: `This workflow has no input "${name}".${guess} ${offered}`,
  };
}
