/**
 * Texts that somebody might send as a workflow: real ones and ones made up of real node types, bent in a few places, now
 * and then also as text. Most are nearly right, since what is wrong all over is refused at the first look.
 */
import type { NodeTypeInfo, ParamInfo } from '@reelgraph/graph';
import fc from 'fast-check';

/** A text, and whether it was changed after it had been written as JSON. */
export interface FuzzCase {
  readonly text: string;
}

/** Names that exist on objects, on prototypes, in other parts of a document, or nowhere. */
const nastyNames = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'hasOwnProperty',
  '__defineGetter__',
  'then',
  'length',
  'model',
  'a',
  '',
  ' ',
  '0',
  '-1',
  'node with spaces',
  'x'.repeat(65),
  'ünï',
  '💥',
  'a\nb',
  'a\u0000b',
  '../../etc/passwd',
];

const nastyValues: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -0,
  -1,
  1,
  2,
  0.5,
  1e21,
  -1e308,
  5e-324,
  Number.MAX_SAFE_INTEGER + 2,
  '',
  '0',
  '-1',
  '18446744073709551616',
  'NaN',
  '\u0000',
  '\ud800',
  '\u202ereversed',
  '💥'.repeat(50),
  'x'.repeat(5000),
  '../../../etc/passwd',
  'inputs/red-circle.mp4',
  'inputs/../../secret',
  'http://127.0.0.1:1/',
  'subgraph:inner',
  'subgraph:nowhere',
  'subgraph:',
  [],
  {},
  [[]],
  [null],
  { from: ['a', 'b'], to: ['b', 'a'] },
  { type: 'subgraph:inner', version: 1, params: {} },
  { type: 'load-model', version: 1, params: {} },
];

const nastyValue = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...nastyValues) },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  { weight: 1, arbitrary: fc.integer({ min: 30, max: 40 }).map((depth) => nested(depth)) },
);
const name = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f') },
  { weight: 1, arbitrary: fc.constantFrom(...nastyNames) },
);

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? [value] : { v: value };
  return value;
}

type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Sets a key as JSON text would, also one that reaches the prototype otherwise. */
function put(target: Json | unknown[], key: string | number, value: unknown): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true });
}

/** A value that fits a param, or nearly. */
function paramValue(info: ParamInfo): fc.Arbitrary<unknown> {
  switch (info.kind) {
    case 'integer':
    case 'number':
      return fc.oneof(
        fc.integer({ min: Math.floor(info.min) - 1, max: Math.ceil(Math.min(info.max, info.min + 200)) + 1 }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
      );
    case 'boolean':
      return fc.boolean();
    case 'seed':
      return fc.bigInt({ min: -1n, max: 1n << 64n }).map(String);
    case 'choice':
      return fc.constantFrom(...info.options.map(({ value }) => value), 'none of them');
    case 'model':
      return fc.constantFrom('toybox', 'toybox', 'nobody', '../toybox');
    case 'file':
      return fc.constantFrom('', 'inputs/red-circle.mp4', 'inputs/nothing.png', '/etc/passwd');
    default:
      return fc.oneof(fc.string({ unit: 'grapheme', maxLength: 30 }), fc.constant(''));
  }
}

function node(types: readonly NodeTypeInfo[]): fc.Arbitrary<Json> {
  return fc.constantFrom(...types).chain((type) => {
    const params = Object.entries(type.params).map(([key, info]) => [key, paramValue(info)] as const);
    return fc.record({
      type: fc.oneof({ weight: 20, arbitrary: fc.constant(type.type) }, { weight: 1, arbitrary: name }),
      version: fc.oneof(
        { weight: 20, arbitrary: fc.constant(type.version) },
        { weight: 1, arbitrary: fc.integer({ min: -1, max: 9 }) },
      ),
      params: fc.record(Object.fromEntries(params), { requiredKeys: [] }),
    });
  });
}

interface Ports {
  readonly inputs: readonly (readonly [port: string, type: string])[];
  readonly outputs: readonly (readonly [port: string, type: string])[];
}

/** Nodes of real types, wired mostly where the types fit, in any direction. */
function madeUp(types: readonly NodeTypeInfo[]): fc.Arbitrary<Json> {
  const portsOf = new Map<string, Ports>(
    types.map(({ type, inputs, outputs }) => [
      type,
      {
        inputs: Object.entries(inputs).map(([port, info]) => [port, info.type] as const),
        outputs: Object.entries(outputs).map(([port, info]) => [port, info.type] as const),
      },
    ]),
  );
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
  return fc
    .tuple(
      fc.array(node(types), { minLength: 1, maxLength: ids.length }),
      fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { maxLength: 8 }),
      fc.boolean(),
    )
    .map(([nodes, wires, withSubgraph]) => {
      const byId = Object.fromEntries(nodes.map((made, index) => [ids[index] ?? 'a', made]));
      const ports = (index: number): Ports =>
        portsOf.get(String(nodes[index % nodes.length]?.type)) ?? { inputs: [], outputs: [] };
      const edges = wires.flatMap(([from, to, pick]) => {
        const { outputs } = ports(from);
        const [output, type] = outputs[pick % Math.max(1, outputs.length)] ?? ['nothing', ''];
        const fitting = ports(to).inputs.filter(([, wanted]) => wanted === type);
        const [input] = fitting[pick % Math.max(1, fitting.length)] ?? ports(to).inputs[0] ?? ['nothing'];
        return [{ from: [ids[from % nodes.length], output], to: [ids[to % nodes.length], input] }];
      });
      const inner = {
        title: '',
        description: '',
        nodes: byId,
        edges,
        inputs: {},
        outputs: {},
        params: {},
        layout: { nodes: {} },
      };
      return {
        reelgraph: 1,
        name: 'made up',
        description: '',
        inputs: {},
        outputs: {},
        nodes: withSubgraph ? { ...byId, f: { type: 'subgraph:inner', version: 1, params: {} } } : byId,
        edges,
        subgraphs: withSubgraph ? { inner } : {},
        groups: {},
        comments: {},
        layout: { nodes: {} },
      };
    });
}

type Bend = (root: Json) => void;

/** Every object and list in a document with its keys, in the order of the document. */
function places(root: Json): [Json | unknown[], string | number][] {
  const found: [Json | unknown[], string | number][] = [];
  const pending: (Json | unknown[])[] = [root];
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    const keys = Array.isArray(at) ? at.map((_, index) => index) : Object.keys(at);
    for (const key of keys) {
      found.push([at, key]);
      const value: unknown = Object.getOwnPropertyDescriptor(at, key)?.value;
      if (Array.isArray(value) || isObject(value)) pending.push(value);
    }
  }
  return found;
}

function valueAt([target, key]: [Json | unknown[], string | number]): unknown {
  return Object.getOwnPropertyDescriptor(target, key)?.value;
}

/** One change to a document, at a place that is chosen by a number. */
function bend(types: readonly NodeTypeInfo[]): fc.Arbitrary<Bend> {
  const at = (pick: number, work: (place: [Json | unknown[], string | number], root: Json) => void): Bend => {
    return (root) => {
      const all = places(root);
      const place = all[pick % Math.max(1, all.length)];
      if (place !== undefined) work(place, root);
    };
  };
  const inside = (part: string, work: (value: Json | unknown[]) => void): Bend => {
    return (root) => {
      const value = Object.getOwnPropertyDescriptor(root, part)?.value;
      if (Array.isArray(value) || isObject(value)) work(value);
    };
  };
  const endpoint = fc.tuple(name, fc.oneof(name, fc.constantFrom('model', 'frames', 'latent', 'image')));
  const anywhere = fc.oneof(
    fc
      .tuple(fc.nat(), nastyValue)
      .map(([pick, value]) => at(pick, ([target, key]) => put(target, key, value))),
    fc.nat().map((pick) =>
      at(pick, ([target, key]) => {
        if (Array.isArray(target)) target.splice(Number(key), 1);
        else delete target[key];
      }),
    ),
    fc.tuple(fc.nat(), name).map(([pick, to]) =>
      at(pick, ([target, key]) => {
        if (Array.isArray(target)) return;
        put(target, to, target[key]);
        delete target[key];
      }),
    ),
    fc.tuple(fc.nat(), fc.nat()).map(([pick, from]) =>
      at(pick, ([target, key], root) => {
        const all = places(root);
        const other = all[from % all.length];
        if (other !== undefined) put(target, key, structuredClone(valueAt(other)));
      }),
    ),
    fc
      .tuple(
        fc.constantFrom('inputs', 'outputs', 'subgraphs', 'groups', 'comments', 'layout'),
        name,
        nastyValue,
      )
      .map(([part, key, value]) =>
        inside(part, (target) => !Array.isArray(target) && put(target, key, value)),
      ),
    fc.constantFrom<unknown>(0, 2, -1, 1.5, '1', null, 1e300, [1]).map(
      (format): Bend =>
        (root) =>
          put(root, 'reelgraph', format),
    ),
  );
  const sound = fc.oneof(
    fc.tuple(fc.nat(), fc.constantFrom(...nastyValues.filter((value) => typeof value !== 'object'))).map(
      ([pick, value]): Bend =>
        (root) => {
          const params = places(root).flatMap((place) => (place[1] === 'params' ? [valueAt(place)] : []));
          const keyed = params.flatMap((target) =>
            isObject(target) ? Object.keys(target).map((key) => [target, key] as const) : [],
          );
          const place = keyed[pick % Math.max(1, keyed.length)];
          if (place !== undefined) put(...place, value);
        },
    ),
    fc
      .tuple(name, node(types))
      .map(([id, made]) => inside('nodes', (nodes) => !Array.isArray(nodes) && put(nodes, id, made))),
    fc
      .tuple(endpoint, endpoint)
      .map(([from, to]) => inside('edges', (edges) => Array.isArray(edges) && void edges.push({ from, to }))),
    // Turned round: often a loop.
    fc.nat().map((pick) =>
      inside('edges', (edges) => {
        if (!Array.isArray(edges) || edges.length === 0) return;
        const edge: unknown = edges[pick % edges.length];
        if (isObject(edge)) edges.push({ from: edge.to, to: edge.from });
      }),
    ),
  );
  // What is still a workflow comes further than what is not.
  return fc.oneof({ weight: 2, arbitrary: sound }, { weight: 1, arbitrary: anywhere });
}

/** A change to the text: what no program that writes JSON would write. */
const bendText: fc.Arbitrary<(text: string) => string> = fc.oneof(
  fc.nat().map((pick) => (text: string) => text.slice(0, pick % (text.length + 1))),
  fc
    .tuple(
      fc.nat(),
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        '"',
        ',',
        ':',
        '\\',
        '\u0000',
        '\ufeff',
        'NaN',
        '1e309',
        '-Infinity',
        '"__proto__":{"polluted":true},',
        '"constructor":{"prototype":{"polluted":true}},',
        '"\\u005f_proto__":{"polluted":true},',
        '"nodes":{},',
        '\\ud800',
        '//',
      ),
    )
    .map(([pick, piece]) => (text: string) => {
      const cut = pick % (text.length + 1);
      // A key goes where a key can stand, if there is such a place from here on.
      const brace = piece.endsWith(',') && piece.length > 1 ? text.indexOf('{', cut) + 1 : cut;
      return text.slice(0, brace) + piece + text.slice(brace);
    }),
  fc.tuple(fc.nat(), fc.nat({ max: 30 })).map(([pick, length]) => (text: string) => {
    const cut = pick % (text.length + 1);
    return text.slice(0, cut) + text.slice(cut + length);
  }),
);

/** Texts bent from `documents`, plain JSON values, and from made-up workflows of these types. */
export function workflowTexts(
  documents: readonly string[],
  types: readonly NodeTypeInfo[],
): fc.Arbitrary<FuzzCase> {
  const root = fc.oneof(
    { weight: 2, arbitrary: fc.constantFrom(...documents).map((text): Json => JSON.parse(text)) },
    { weight: 3, arbitrary: madeUp(types) },
  );
  const bent = fc.tuple(root, fc.array(bend(types), { maxLength: 3 })).map(([document, bends]) => {
    const copy = structuredClone(document);
    for (const change of bends) change(copy);
    return JSON.stringify(copy);
  });
  return fc
    .tuple(
      bent,
      fc.oneof({ weight: 9, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: bendText }),
    )
    .map(([text, change]) => ({ text: change === undefined ? text : change(text) }));
}
