/**
 * Writes small ONNX graphs byte by byte, for tests of what a hostile file does: no tool that makes models would make
 * these. Field numbers are those of onnx.proto3 (ONNX IR version 8).
 */

/** A field of a protobuf message: a whole number, bytes, a text, or a message within. */
type Field = readonly [number: number, value: number | string | Uint8Array];

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

function message(...fields: readonly Field[]): Uint8Array {
  return Buffer.concat(
    fields.map(([number, value]) => {
      if (typeof value === 'number') return Buffer.from([...varint(number * 8), ...varint(value)]);
      const bytes = Buffer.from(value);
      return Buffer.concat([Buffer.from([...varint(number * 8 + 2), ...varint(bytes.length)]), bytes]);
    }),
  );
}

const elementTypes = { float: 1, int64: 7, bool: 9 } as const;

/** A tensor of unknown size in each of its dimensions. */
function valueInfo(name: string, type: keyof typeof elementTypes, dimensions: readonly string[]): Uint8Array {
  const shape = message(...dimensions.map((dimension): Field => [1, message([2, dimension])]));
  return message([1, name], [2, message([1, message([1, elementTypes[type]], [2, shape])])]);
}

interface NodeInfo {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: readonly Uint8Array[];
  readonly domain?: string;
}

function node({ op, inputs, outputs, attributes = [], domain }: NodeInfo): Uint8Array {
  return message(
    ...inputs.map((name): Field => [1, name]),
    ...outputs.map((name): Field => [2, name]),
    [4, op],
    ...attributes.map((attribute): Field => [5, attribute]),
    ...(domain === undefined ? [] : [[7, domain] as const]),
  );
}

const ownDomain = 'test';
const opsets: readonly Field[] = [
  [8, message([1, ''], [2, 17])],
  [8, message([1, ownDomain], [2, 1])],
];

/** A text encoder by its ports: `input_ids`, `attention_mask` to `last_hidden_state`; `nodes` turn `x` into it. */
function textEncoder(nodes: readonly Uint8Array[], functions: readonly Uint8Array[] = []): Uint8Array {
  const toFloat = message([1, 'to'], [3, elementTypes.float], [20, 2]);
  const graph = message(
    [1, node({ op: 'Cast', inputs: ['input_ids'], outputs: ['x'], attributes: [toFloat] })],
    ...nodes.map((one): Field => [1, one]),
    [2, 'graph'],
    [11, valueInfo('input_ids', 'int64', ['batch', 'length'])],
    [11, valueInfo('attention_mask', 'int64', ['batch', 'length'])],
    [12, valueInfo('last_hidden_state', 'float', ['batch', 'length'])],
  );
  return message([1, 8], ...opsets, [7, graph], ...functions.map((one): Field => [25, one]));
}

/** A text encoder that goes round a loop whose condition stays true. */
export function endlessTextEncoder(): Uint8Array {
  const body = message(
    [1, node({ op: 'Identity', inputs: ['goes_on'], outputs: ['goes_on_out'] })],
    [1, node({ op: 'Identity', inputs: ['value'], outputs: ['value_out'] })],
    [2, 'body'],
    [11, valueInfo('round', 'int64', [])],
    [11, valueInfo('goes_on', 'bool', [])],
    [11, valueInfo('value', 'float', ['batch', 'length'])],
    [12, valueInfo('goes_on_out', 'bool', [])],
    [12, valueInfo('value_out', 'float', ['batch', 'length'])],
  );
  const yes = message([2, elementTypes.bool], [5, 1], [8, 'yes']);
  return textEncoder([
    node({
      op: 'Constant',
      inputs: [],
      outputs: ['yes'],
      attributes: [message([1, 'value'], [5, yes], [20, 4])],
    }),
    node({
      op: 'Loop',
      inputs: ['', 'yes', 'x'],
      outputs: ['last_hidden_state'],
      attributes: [message([1, 'body'], [6, body], [20, 5])],
    }),
  ]);
}

/**
 * A text encoder of functions that call each other, `depth` deep. Runtimes expand them one within the other when they
 * open the file; some hundred are opened, thousands have ended the process by a full stack.
 */
export function deepTextEncoder(depth: number): Uint8Array {
  const functions = Array.from({ length: depth }, (_, level) =>
    message(
      [1, `f${level}`],
      [4, 'a'],
      [5, 'b'],
      [
        7,
        node(
          level === depth - 1
            ? { op: 'Identity', inputs: ['a'], outputs: ['b'] }
            : { op: `f${level + 1}`, inputs: ['a'], outputs: ['b'], domain: ownDomain },
        ),
      ],
      [9, message([1, ''], [2, 17])],
      [9, message([1, ownDomain], [2, 1])],
      [10, ownDomain],
    ),
  );
  return textEncoder(
    [node({ op: 'f0', inputs: ['x'], outputs: ['last_hidden_state'], domain: ownDomain })],
    functions,
  );
}

/** A text encoder whose weights lie in another file, by whatever name. */
export function textEncoderWithWeightsIn(location: string): Uint8Array {
  const weight = message(
    [1, 1],
    [2, elementTypes.float],
    [8, 'weight'],
    [13, message([1, 'location'], [2, location])],
    [13, message([1, 'length'], [2, '4'])],
    [14, 1],
  );
  const toFloat = message([1, 'to'], [3, elementTypes.float], [20, 2]);
  const graph = message(
    [1, node({ op: 'Cast', inputs: ['input_ids'], outputs: ['x'], attributes: [toFloat] })],
    [1, node({ op: 'Add', inputs: ['x', 'weight'], outputs: ['last_hidden_state'] })],
    [2, 'graph'],
    [5, weight],
    [11, valueInfo('input_ids', 'int64', ['batch', 'length'])],
    [11, valueInfo('attention_mask', 'int64', ['batch', 'length'])],
    [12, valueInfo('last_hidden_state', 'float', ['batch', 'length'])],
  );
  return message([1, 8], ...opsets, [7, graph]);
}

/** A text encoder of `count` nodes in a row, each of which does nothing. */
export function longTextEncoder(count: number): Uint8Array {
  const nameOf = (index: number) => (index === count ? 'last_hidden_state' : index === 0 ? 'x' : `v${index}`);
  return textEncoder(
    Array.from({ length: count }, (_, index) =>
      node({ op: 'Identity', inputs: [nameOf(index)], outputs: [nameOf(index + 1)] }),
    ),
  );
}

/** A text encoder whose graph has a branch whose graph has a branch, and so on. */
export function nestedTextEncoder(depth: number): Uint8Array {
  let inner = message(
    [1, node({ op: 'Identity', inputs: ['x'], outputs: ['inner'] })],
    [2, 'innermost'],
    [12, valueInfo('inner', 'float', ['batch', 'length'])],
  );
  const yes = message([2, elementTypes.bool], [5, 1], [8, 'yes']);
  const constant = node({
    op: 'Constant',
    inputs: [],
    outputs: ['yes'],
    attributes: [message([1, 'value'], [5, yes], [20, 4])],
  });
  for (let level = 0; level < depth; level++) {
    const branches = ['then_branch', 'else_branch'].map((name) => message([1, name], [6, inner], [20, 5]));
    // One branch only from the second level on: two of each would double the file with every level.
    const attributes = level === 0 ? branches : branches.slice(0, 1);
    const choice = node({ op: 'If', inputs: ['yes'], outputs: ['inner'], attributes });
    inner = message(
      [1, choice],
      [2, `level${level}`],
      [12, valueInfo('inner', 'float', ['batch', 'length'])],
    );
  }
  const outer = node({
    op: 'If',
    inputs: ['yes'],
    outputs: ['last_hidden_state'],
    attributes: [message([1, 'then_branch'], [6, inner], [20, 5])],
  });
  return textEncoder([constant, outer]);
}

/** A text encoder that multiplies large tables, `rounds` times, while it is opened: their values are known by then. */
export function slowTextEncoder(rounds: number, side = 1024): Uint8Array {
  const shape = message([1, 2], [2, elementTypes.int64], [7, side], [7, side], [8, 'shape']);
  const nodes = [
    node({
      op: 'Constant',
      inputs: [],
      outputs: ['shape'],
      attributes: [message([1, 'value'], [5, shape], [20, 4])],
    }),
    node({ op: 'ConstantOfShape', inputs: ['shape'], outputs: ['t0'] }),
    ...Array.from({ length: rounds }, (_, index) =>
      node({ op: 'MatMul', inputs: [`t${index}`, `t${index}`], outputs: [`t${index + 1}`] }),
    ),
    node({ op: 'ReduceSum', inputs: [`t${rounds}`], outputs: ['sum'] }),
    node({ op: 'Add', inputs: ['x', 'sum'], outputs: ['last_hidden_state'] }),
  ];
  return textEncoder(nodes);
}

/** A text encoder whose one weight says that it has `side` × `side` numbers and brings none. */
export function hollowTextEncoder(side: number): Uint8Array {
  const weight = message([1, side], [1, side], [2, elementTypes.float], [8, 'weight']);
  const graph = message([2, 'graph'], [5, weight]);
  return message([1, 8], ...opsets, [7, graph]);
}

/** The graph that devices are tried with: `relu(a · b)`, of any size. `src/probe.onnx` is this, written. */
export function probeGraph(): Uint8Array {
  const graph = message(
    [1, node({ op: 'MatMul', inputs: ['a', 'b'], outputs: ['product'] })],
    [1, node({ op: 'Relu', inputs: ['product'], outputs: ['result'] })],
    [2, 'probe'],
    [11, valueInfo('a', 'float', ['rows', 'inner'])],
    [11, valueInfo('b', 'float', ['inner', 'columns'])],
    [12, valueInfo('result', 'float', ['rows', 'columns'])],
  );
  return message([1, 8], [8, message([1, ''], [2, 17])], [7, graph]);
}
