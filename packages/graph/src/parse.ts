/**
 * Reads a workflow from a stranger: bounds first, then form, then format version, then the schema. Whatever is
 * wrong comes back as issues with a place; nothing is thrown, and unknown node types pass through untouched.
 */
import { z } from 'zod';
import { documentLimits, type Workflow, workflowFormat, workflowSchema } from './document.ts';
import type { GraphIssue } from './issues.ts';
import { prototypeKeys, scanJson } from './json-scan.ts';
import { documentMigrations, type Migration, migrateDocument } from './migrations.ts';

/** A workflow, or everything that keeps the text from being one. */
export type ParseResult =
  | { readonly ok: true; readonly workflow: Workflow; readonly warnings: readonly GraphIssue[] }
  | { readonly ok: false; readonly issues: readonly GraphIssue[] };

export interface ParseOptions {
  /** Steps from older formats; the shipped ones unless a test brings its own. */
  readonly migrations?: ReadonlyMap<number, Migration>;
}

/** More would not be read by anyone, and a stranger chooses how many there are. */
const maxIssues = 50;
/** Values visited in already parsed JSON before giving up; above what `documentLimits` lets through. */
const maxValues = 4_000_000;

type Path = readonly (string | number)[];

function refused(code: string, message: string, path: Path = []): ParseResult {
  return { ok: false, issues: [{ code, severity: 'error', message, path: [...path] }] };
}

/** Parses the text of a workflow file. */
export function parseWorkflow(text: string, options: ParseOptions = {}): ParseResult {
  if (isLargerThan(text, documentLimits.textBytes)) {
    const megabytes = documentLimits.textBytes / 1024 / 1024;
    return refused(
      'document/too-large',
      `A workflow file holds at most ${megabytes} MiB; this one is larger. Is it another kind of file?`,
    );
  }
  const body = text.startsWith('\uFEFF') ? text.slice(1) : text;
  const problem = scanJson(body, documentLimits.depth);
  if (problem !== undefined) return refused(problem.code, problem.message, problem.path);
  const value: unknown = JSON.parse(body);
  return parseChecked(value, options);
}

/** Parses a workflow from JSON that something else (an HTTP framework) has already read. */
export function parseWorkflowValue(value: unknown, options: ParseOptions = {}): ParseResult {
  return checkValueForm(value) ?? parseChecked(value, options);
}

function isLargerThan(text: string, byteLimit: number): boolean {
  // UTF-8 needs one to three bytes per UTF-16 unit: the exact count is taken only where it decides.
  if (text.length > byteLimit) return true;
  return text.length * 3 > byteLimit && new TextEncoder().encode(text).byteLength > byteLimit;
}

/** Depth and key names of a parsed value, without recursion. */
function checkValueForm(root: unknown): ParseResult | undefined {
  interface Visit {
    readonly value: object;
    readonly depth: number;
    readonly place: string | number;
    readonly parent: Visit | undefined;
  }
  const pathOf = (visit: Visit | undefined): (string | number)[] => {
    const path: (string | number)[] = [];
    for (let at = visit; at?.parent !== undefined; at = at.parent) path.unshift(at.place);
    return path;
  };
  const pending: Visit[] =
    typeof root === 'object' && root !== null
      ? [{ value: root, depth: 1, place: '', parent: undefined }]
      : [];
  let visited = 0;
  for (let visit = pending.pop(); visit !== undefined; visit = pending.pop()) {
    if (visit.depth > documentLimits.depth) {
      return refused(
        'document/too-deep',
        `This is nested more than ${documentLimits.depth} levels deep; a workflow never is.`,
        pathOf(visit),
      );
    }
    const entries: [string | number, unknown][] = Array.isArray(visit.value)
      ? Array.from(visit.value, (item: unknown, index): [number, unknown] => [index, item])
      : Object.entries(visit.value);
    visited += entries.length;
    if (visited > maxValues)
      return refused('document/too-large', 'This holds far more values than a workflow can.');
    for (const [place, value] of entries) {
      if (typeof place === 'string' && prototypeKeys.has(place)) {
        return refused(
          'document/reserved-name',
          `The name "${place}" is reserved and cannot be used as a key.`,
          [...pathOf(visit), place],
        );
      }
      if (typeof value === 'object' && value !== null)
        pending.push({ value, depth: visit.depth + 1, place, parent: visit });
    }
  }
  return undefined;
}

const headSchema = z.looseObject({ reelgraph: z.number().int() });
const nodeCountSchema = z.looseObject({
  nodes: z.looseObject({}).optional().catch(undefined),
  subgraphs: z
    .record(z.string(), z.looseObject({ nodes: z.looseObject({}).optional().catch(undefined) }))
    .optional()
    .catch(undefined),
});

function parseChecked(value: unknown, options: ParseOptions): ParseResult {
  const head = headSchema.safeParse(value);
  if (!head.success) {
    return refused(
      'document/not-a-workflow',
      'This is JSON, but not a Reelgraph workflow: expected an object with "reelgraph": 1 in it.',
    );
  }
  const format = head.data.reelgraph;
  if (format > workflowFormat) {
    return refused(
      'document/newer-format',
      `This workflow was made by a newer Reelgraph (format ${format}; this one reads ${workflowFormat}). Update Reelgraph to open it.`,
      ['reelgraph'],
    );
  }
  let document: unknown = value;
  const warnings: GraphIssue[] = [];
  if (format < workflowFormat) {
    const migrated = migrateDocument(head.data, {
      from: format,
      to: workflowFormat,
      migrations: options.migrations ?? documentMigrations,
    });
    if (!migrated.ok) {
      return refused(
        'document/unknown-format',
        `No Reelgraph ever wrote workflow format ${migrated.stuckAt}; expected ${workflowFormat}.`,
        ['reelgraph'],
      );
    }
    document = migrated.document;
    warnings.push({
      code: 'document/migrated',
      severity: 'warning',
      message: `This workflow had format ${format}; saving writes format ${workflowFormat}.`,
      path: ['reelgraph'],
    });
  }
  const counted = nodeCountSchema.safeParse(document);
  if (counted.success) {
    const inner = Object.values(counted.data.subgraphs ?? {}).reduce(
      (sum, subgraph) => sum + Object.keys(subgraph.nodes ?? {}).length,
      0,
    );
    const nodes = Object.keys(counted.data.nodes ?? {}).length + inner;
    if (nodes > documentLimits.nodes) {
      return refused(
        'document/too-large',
        `A workflow holds at most ${documentLimits.nodes} nodes; this one has ${nodes}.`,
        ['nodes'],
      );
    }
  }
  const parsed = workflowSchema.safeParse(document);
  if (parsed.success) return { ok: true, workflow: parsed.data, warnings };
  return { ok: false, issues: describeSchemaIssues(parsed.error.issues.slice(0, maxIssues), document) };
}

function describeSchemaIssues(issues: readonly z.core.$ZodIssue[], document: unknown): GraphIssue[] {
  return issues.map((issue): GraphIssue => {
    const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)));
    const [top, id] = path;
    const nodeId = top === 'nodes' && typeof id === 'string' ? id : undefined;
    return {
      code: 'document/invalid',
      severity: 'error',
      message: `${placeName(path)}: ${describeSchemaIssue(issue, valueAt(document, path))}.`,
      path,
      ...(nodeId === undefined ? {} : { nodeId }),
      ...(nodeId !== undefined && path[2] === 'params' && typeof path[3] === 'string'
        ? { param: path[3] }
        : {}),
    };
  });
}

function describeSchemaIssue(issue: z.core.$ZodIssue, found: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${kindNames[issue.expected] ?? issue.expected}, found ${kindOf(found)}`;
    case 'unrecognized_keys':
      return `unknown ${issue.keys.length === 1 ? 'key' : 'keys'} ${issue.keys
        .slice(0, 5)
        .map((key) => JSON.stringify(key.slice(0, 64)))
        .join(', ')}`;
    case 'invalid_union':
      return `expected a text, a number or true/false, found ${kindOf(found)}`;
    case 'invalid_key':
      return issue.issues[0]?.message ?? 'this name cannot be used';
    case 'too_small':
    case 'too_big':
      if (Array.isArray(found)) {
        const wanted = issue.code === 'too_small' ? `at least ${issue.minimum}` : `at most ${issue.maximum}`;
        return `expected ${wanted} items, found ${found.length}`;
      }
      return issue.message.replace(/\.$/, '');
    case 'invalid_value':
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(' or ')}`;
    default:
      return issue.message.replace(/\.$/, '');
  }
}

const kindNames: Partial<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  tuple: 'a list',
};

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'number') return Number.isFinite(value) ? 'a number' : 'a number too large';
  return kindNames[typeof value] ?? typeof value;
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (Array.isArray(value)) value = value[Number(part)];
    else if (isRecord(value)) value = Object.hasOwn(value, part) ? value[part] : undefined;
    else return undefined;
  }
  return value;
}

function isRecord(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === 'object' && value !== null;
}

/** `nodes.prompt.params.steps`, `edges[3].from`; the document itself when the path is empty. */
function placeName(path: Path): string {
  if (path.length === 0) return 'The workflow';
  return path
    .reduce<string>(
      (name, part) =>
        typeof part === 'number' ? `${name}[${part}]` : name === '' ? part : `${name}.${part}`,
      '',
    )
    .slice(0, 300);
}
