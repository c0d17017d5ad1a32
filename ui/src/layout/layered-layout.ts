/**
 * Tidies a graph into columns, left to right (Sugiyama's method in three steps):
 *
 * 1. layers by longest path, then each node pulled right to the column before its first consumer;
 * 2. order within a column by the barycentre of the neighbours, sweeping down and up;
 * 3. places: columns packed by width, nodes pushed apart and centred on their neighbours.
 *
 * Wires that pass columns get a lane in each, so that no node stands across them. A layout too wide to be read as a
 * whole has its chains of single nodes stacked, as a text has its lines broken.
 */
export interface LayoutNode {
  readonly id: string;
  readonly width: number;
  readonly height: number;
}

export interface LayoutEdge {
  readonly from: string;
  readonly to: string;
}

const columnGap = 60;
const rowGap = 32;
const sweeps = 8;
/** Height of a lane for wires, and the width from which chains are stacked. */
const laneHeight = 20;
const wideFrom = 1600;
/** How many nodes a lane counts for where its ends are placed. */
const lanePull = 6;
/** Room between stacked nodes for the wire that goes back, and the tallest stack. */
const stackGap = 104;
const tallestStack = 860;

export function layeredLayout(
  nodes: readonly LayoutNode[],
  edges: readonly LayoutEdge[],
): Map<string, [number, number]> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const before = new Map<string, string[]>(nodes.map((node) => [node.id, []]));
  const after = new Map<string, string[]>(nodes.map((node) => [node.id, []]));
  for (const edge of withoutBackEdges(nodes, edges)) {
    before.get(edge.to)?.push(edge.from);
    after.get(edge.from)?.push(edge.to);
  }
  const columns = columnsOf(nodes, before, after);
  const lanes = addLanes(columns, byId, before, after);
  const places = placeColumns(
    stackChains(orderColumns(columns, before, after), byId, before),
    byId,
    before,
    after,
    new Set(lanes),
  );
  for (const lane of lanes) places.delete(lane);
  const top = Math.min(...[...places.values()].map((place) => place[1]));
  for (const [id, [x, y]] of places) places.set(id, [Math.round(x), Math.round(y - top)]);
  return places;
}

/** Gives each node's wires that pass columns one lane in each of them. A lane is a flat node of no width. */
function addLanes(
  columns: string[][],
  byId: Map<string, LayoutNode>,
  before: Map<string, string[]>,
  after: Map<string, string[]>,
): string[] {
  const columnOf = new Map(columns.flatMap((ids, column) => ids.map((id) => [id, column] as const)));
  const lanes: string[] = [];
  for (const id of [...byId.keys()]) {
    const from = columnOf.get(id) ?? 0;
    const targets = after.get(id) ?? [];
    const far = targets.filter((target) => (columnOf.get(target) ?? 0) > from + 1);
    if (far.length === 0) continue;
    const last = Math.max(...far.map((target) => columnOf.get(target) ?? 0));
    let previous = id;
    for (let column = from + 1; column < last; column++) {
      const lane = `${id} ${column}`;
      lanes.push(lane);
      byId.set(lane, { id: lane, width: 0, height: laneHeight });
      columns[column]?.push(lane);
      before.set(lane, [previous]);
      after.set(lane, []);
      after.get(previous)?.push(lane);
      for (const target of far) {
        if (columnOf.get(target) !== column + 1) continue;
        after.get(lane)?.push(target);
        before.set(
          target,
          (before.get(target) ?? []).map((other) => (other === id ? lane : other)),
        );
      }
      previous = lane;
    }
    after.set(
      id,
      (after.get(id) ?? []).filter((target) => !far.includes(target)),
    );
  }
  return lanes;
}

/** Puts a node that is alone in its column, and fed by nothing but the one before, below that one. */
function stackChains(
  columns: readonly string[][],
  byId: ReadonlyMap<string, LayoutNode>,
  before: Neighbours,
): Column[] {
  const widthOf = (ids: readonly string[]): number =>
    Math.max(0, ...ids.map((id) => byId.get(id)?.width ?? 0));
  const heightOf = (ids: readonly string[]): number =>
    ids.reduce((sum, id) => sum + (byId.get(id)?.height ?? 0) + stackGap, -stackGap);
  const width = columns.reduce((sum, ids) => sum + widthOf(ids) + columnGap, -columnGap);
  const placed: Column[] = [];
  for (const ids of columns) {
    const last = placed.at(-1);
    const [only] = ids;
    const isNext =
      width > wideFrom &&
      ids.length === 1 &&
      only !== undefined &&
      last?.isChain === true &&
      (before.get(only) ?? []).every((id) => id === last.ids.at(-1)) &&
      heightOf([...last.ids, only]) <= tallestStack;
    if (isNext) last.ids.push(only);
    else placed.push({ ids: [...ids], isChain: ids.length === 1 });
  }
  return placed.map((column) => ({ ...column, isChain: column.ids.length > 1 && column.isChain }));
}

interface Column {
  readonly ids: string[];
  /** Each node feeds the one below it, and the wires need room to go back. */
  readonly isChain: boolean;
}

/** A workflow being drawn may have a cycle; edges that close one are left out of the layout. */
function withoutBackEdges(nodes: readonly LayoutNode[], edges: readonly LayoutEdge[]): LayoutEdge[] {
  const outgoing = new Map<string, LayoutEdge[]>(nodes.map((node) => [node.id, []]));
  for (const edge of edges)
    if (edge.from !== edge.to && outgoing.has(edge.to)) outgoing.get(edge.from)?.push(edge);
  const kept: LayoutEdge[] = [];
  const state = new Map<string, 'open' | 'done'>();
  for (const { id } of nodes) {
    if (state.has(id)) continue;
    state.set(id, 'open');
    const stack = [{ id, next: 0 }];
    for (let top = stack.at(-1); top; top = stack.at(-1)) {
      const edge = outgoing.get(top.id)?.[top.next++];
      if (!edge) {
        state.set(top.id, 'done');
        stack.pop();
      } else if (state.get(edge.to) !== 'open') {
        kept.push(edge);
        if (!state.has(edge.to)) {
          state.set(edge.to, 'open');
          stack.push({ id: edge.to, next: 0 });
        }
      }
    }
  }
  return kept;
}

type Neighbours = ReadonlyMap<string, readonly string[]>;

function columnsOf(nodes: readonly LayoutNode[], before: Neighbours, after: Neighbours): string[][] {
  const waiting = new Map(nodes.map((node) => [node.id, before.get(node.id)?.length ?? 0]));
  const order = nodes.filter((node) => waiting.get(node.id) === 0).map((node) => node.id);
  const column = new Map<string, number>(order.map((id) => [id, 0]));
  for (let index = 0; index < order.length; index++) {
    const id = order[index]!;
    for (const next of after.get(id) ?? []) {
      column.set(next, Math.max(column.get(next) ?? 0, (column.get(id) ?? 0) + 1));
      const left = (waiting.get(next) ?? 0) - 1;
      waiting.set(next, left);
      if (left === 0) order.push(next);
    }
  }
  // Sources stand beside what uses them and not all in the first column.
  for (const id of order.toReversed()) {
    const consumers = after.get(id) ?? [];
    if (consumers.length > 0) column.set(id, Math.min(...consumers.map((next) => column.get(next) ?? 0)) - 1);
  }
  const columns: string[][] = [];
  for (const id of order) {
    const at = column.get(id) ?? 0;
    const ids = columns[at];
    if (ids) ids.push(id);
    else columns[at] = [id];
  }
  return Array.from(columns, (ids) => ids ?? []);
}

function orderColumns(columns: string[][], before: Neighbours, after: Neighbours): string[][] {
  const rank = new Map<string, number>();
  const remember = (ids: readonly string[]): void => {
    for (const [index, id] of ids.entries()) rank.set(id, index / ids.length);
  };
  columns.forEach(remember);
  for (let sweep = 0; sweep < sweeps; sweep++) {
    const down = sweep % 2 === 0;
    const neighbours = down ? before : after;
    for (const ids of down ? columns : columns.toReversed()) {
      const centre = new Map(
        ids.map((id) => {
          const around = neighbours.get(id) ?? [];
          const sum = around.reduce((total, other) => total + (rank.get(other) ?? 0), 0);
          return [id, around.length > 0 ? sum / around.length : (rank.get(id) ?? 0)];
        }),
      );
      ids.sort((a, b) => (centre.get(a) ?? 0) - (centre.get(b) ?? 0));
      remember(ids);
    }
  }
  return columns;
}

function placeColumns(
  columns: readonly Column[],
  byId: ReadonlyMap<string, LayoutNode>,
  before: Neighbours,
  after: Neighbours,
  lanes: ReadonlySet<string>,
): Map<string, [number, number]> {
  const places = new Map<string, [number, number]>();
  const heightOf = (id: string): number => byId.get(id)?.height ?? 0;
  const centreOf = (id: string): number | undefined => {
    const place = places.get(id);
    return place && place[1] + heightOf(id) / 2;
  };
  let x = 0;
  for (const { ids, isChain } of columns) {
    const gap = isChain ? stackGap : rowGap;
    const total = ids.reduce((sum, id) => sum + heightOf(id) + gap, -gap);
    let y = -total / 2;
    for (const id of ids) {
      places.set(id, [x, y]);
      y += heightOf(id) + gap;
    }
    x += Math.max(0, ...ids.map((id) => byId.get(id)?.width ?? 0)) + columnGap;
  }
  for (let pass = 0; pass < 10; pass++) {
    for (const { ids, isChain } of pass % 2 === 0 ? columns : columns.toReversed()) {
      const wanted = ids.map((id) => {
        // A lane must be straight to be of use, so its ends give way to it and not it to them.
        const around = [...(before.get(id) ?? []), ...(after.get(id) ?? [])].flatMap((other) => {
          const centre = centreOf(other);
          return centre === undefined ? [] : Array<number>(lanes.has(other) ? lanePull : 1).fill(centre);
        });
        const own = places.get(id)?.[1] ?? 0;
        return around.length > 0
          ? around.reduce((sum, value) => sum + value, 0) / around.length - heightOf(id) / 2
          : own;
      });
      spread(ids, wanted, heightOf, isChain ? stackGap : rowGap).forEach((y, index) => {
        const id = ids[index]!;
        places.set(id, [places.get(id)?.[0] ?? 0, y]);
      });
    }
  }
  return places;
}

/** Tops nearest to the wanted ones that keep the order and the gap; the block as a whole stays where it wanted to be. */
function spread(
  ids: readonly string[],
  wanted: readonly number[],
  heightOf: (id: string) => number,
  gap: number,
): number[] {
  const tops: number[] = [];
  let free = -Infinity;
  ids.forEach((id, index) => {
    const top = Math.max(wanted[index] ?? 0, free);
    tops.push(top);
    free = top + heightOf(id) + gap;
  });
  const drift = tops.reduce((sum, top, index) => sum + top - (wanted[index] ?? 0), 0) / (tops.length || 1);
  return tops.map((top) => top - drift);
}
