/**
 * Writes a workflow the one canonical way, for `git diff` and for eyes: fixed order of keys, one node, edge or
 * exposed name per line. What has no order (nodes, edges, params, groups) is sorted, so equal documents are
 * equal bytes and two people who add nodes do not both append at the end. What people see in order (exposed
 * inputs and outputs, ports and params of a subgraph) keeps its order.
 */
import type { Subgraph, Workflow, WorkflowEdge, WorkflowLayout, WorkflowNode } from './document.ts';

type Json = string | number | boolean | readonly Json[] | { readonly [key: string]: Json };

/** The canonical text of a workflow, with a line break at the end; parsing and writing it again changes no byte. */
export function stringifyWorkflow(workflow: Workflow): string {
  const fields: [string, string][] = [
    ['reelgraph', JSON.stringify(workflow.reelgraph)],
    ['name', JSON.stringify(workflow.name)],
    ['description', JSON.stringify(workflow.description)],
    [
      'inputs',
      rows(Object.entries(workflow.inputs), ({ node, param, label }) => inline({ node, param, label }), 1),
    ],
    [
      'outputs',
      rows(Object.entries(workflow.outputs), ({ node, port, label }) => inline({ node, port, label }), 1),
    ],
    ...graphFields(workflow.nodes, workflow.edges, 1),
    ['subgraphs', rows(sorted(workflow.subgraphs), (subgraph) => writeSubgraph(subgraph), 1)],
    [
      'groups',
      rows(
        sorted(workflow.groups),
        ({ title, color, bounds }) => inline({ title, ...(color === undefined ? {} : { color }), bounds }),
        1,
      ),
    ],
    ['comments', rows(sorted(workflow.comments), ({ text, at }) => inline({ text, at }), 1)],
    ['layout', writeLayout(workflow.layout, 1)],
  ];
  return `${object(fields, 0)}\n`;
}

function graphFields(
  nodes: Readonly<Record<string, WorkflowNode>>,
  edges: readonly WorkflowEdge[],
  level: number,
): [string, string][] {
  return [
    ['nodes', rows(sorted(nodes), writeNode, level)],
    [
      'edges',
      list(
        sortedEdges(edges).map(({ from, to }) => inline({ from, to })),
        level,
      ),
    ],
  ];
}

function writeSubgraph(subgraph: Subgraph): string {
  return object(
    [
      ['title', JSON.stringify(subgraph.title)],
      ['description', JSON.stringify(subgraph.description)],
      [
        'inputs',
        rows(Object.entries(subgraph.inputs), ({ type, label, to }) => inline({ type, label, to }), 3),
      ],
      [
        'outputs',
        rows(Object.entries(subgraph.outputs), ({ type, label, from }) => inline({ type, label, from }), 3),
      ],
      ['params', rows(Object.entries(subgraph.params), ({ node, param }) => inline({ node, param }), 3)],
      ...graphFields(subgraph.nodes, subgraph.edges, 3),
      ['layout', writeLayout(subgraph.layout, 3)],
    ],
    2,
  );
}

function writeNode(node: WorkflowNode): string {
  return inline({
    type: node.type,
    version: node.version,
    ...(node.title === undefined ? {} : { title: node.title }),
    ...(node.mode === undefined ? {} : { mode: node.mode }),
    params: Object.fromEntries(sorted(node.params)),
  });
}

function writeLayout(layout: WorkflowLayout, level: number): string {
  const fields: [string, string][] = [['nodes', rows(sorted(layout.nodes), inline, level + 1)]];
  if (layout.viewport !== undefined) {
    const { x, y, zoom } = layout.viewport;
    fields.push(['viewport', inline({ x, y, zoom })]);
  }
  return object(fields, level);
}

/** By UTF-16 units: the same everywhere, whatever the language of the machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sorted<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => compare(a, b));
}

/** Edges by where they go, then by where they come from: the inputs of a node stand together. */
export function sortedEdges(edges: readonly WorkflowEdge[]): WorkflowEdge[] {
  return [...edges].sort(
    (a, b) =>
      compare(a.to[0], b.to[0]) ||
      compare(a.to[1], b.to[1]) ||
      compare(a.from[0], b.from[0]) ||
      compare(a.from[1], b.from[1]),
  );
}

function indent(level: number): string {
  return '  '.repeat(level);
}

function object(fields: readonly [string, string][], level: number): string {
  if (fields.length === 0) return '{}';
  const lines = fields.map(([key, text]) => `${indent(level + 1)}${JSON.stringify(key)}: ${text}`);
  return `{\n${lines.join(',\n')}\n${indent(level)}}`;
}

function list(items: readonly string[], level: number): string {
  if (items.length === 0) return '[]';
  return `[\n${items.map((item) => `${indent(level + 1)}${item}`).join(',\n')}\n${indent(level)}]`;
}

function rows<T>(entries: readonly [string, T][], write: (value: T) => string, level: number): string {
  return object(
    entries.map(([key, value]): [string, string] => [key, write(value)]),
    level,
  );
}

/** JSON on one line with spaces inside braces. */
function inline(value: Json): string {
  if (typeof value !== 'object') return JSON.stringify(value);
  if (isList(value)) return `[${value.map(inline).join(', ')}]`;
  const fields = Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${inline(item)}`);
  return fields.length === 0 ? '{}' : `{ ${fields.join(', ')} }`;
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
