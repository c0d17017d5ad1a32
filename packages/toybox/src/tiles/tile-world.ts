/**
 * The tile world: an agent on a board of tiles, moved by one action per frame, that can change the board.
 *
 * The same specification is written in Python in `training/tiles_world.py`, which plays the training
 * clips; `golden/tiles.json` holds the two equal.
 *
 * Rules of one frame: a direction turns the agent that way and moves it one tile if the tile there can be
 * walked on (bare ground, grass, a coin, which is then collected). `act` works on the tile the agent faces: a
 * crate is broken (bare ground is left), on bare ground or grass a crate is put. Walls, water,
 * coins and the edge of the board let neither move nor act do anything. The clock always goes on.
 */
import { draw } from './draw.ts';

export const tileActions = ['none', 'left', 'right', 'up', 'down', 'act'] as const;
/** What the agent is told to do in one frame. */
export type TileAction = (typeof tileActions)[number];

export const tileThemes = ['meadow', 'desert', 'snow', 'cave'] as const;
/** The palette of a board. */
export type TileTheme = (typeof tileThemes)[number];

export const tileKinds = ['bare', 'grass', 'wall', 'crate', 'coin', 'water'] as const;
/** What a tile is. */
export type TileKind = (typeof tileKinds)[number];

export const facings = ['left', 'right', 'up', 'down'] as const;
/** Where the agent looks. */
export type Facing = (typeof facings)[number];

/** [rows, columns] of one step towards each side. */
export const stepOf: Readonly<Record<Facing, readonly [rows: number, columns: number]>> = {
  left: [0, -1],
  right: [0, 1],
  up: [-1, 0],
  down: [1, 0],
};

/** Phases of the clock: coins turn, water runs, the agent's lamp blinks. */
export const clockPhases = 4;

/** Everything there is to know of one frame. */
export interface Board {
  readonly theme: TileTheme;
  readonly rows: number;
  readonly columns: number;
  /** Row by row, `rows × columns`; the agent stands on one of them. */
  readonly kinds: readonly TileKind[];
  readonly row: number;
  readonly column: number;
  readonly facing: Facing;
  /** Frame number modulo `clockPhases`. */
  readonly clock: number;
}

/** Tiles of a board, where nothing else is said. */
export const defaultBoardSize = { rows: 8, columns: 8 } as const;

/** Seeds from here on are for evaluation only; training draws its seeds below. */
export const firstHeldOutBoard = 2 ** 31;

/**
 * The board of a seed (0 <= seed < 2^32). The agent starts on open ground, with no wall or water beside it.
 *
 * @throws RangeError for a seed or size outside the world
 */
export function randomBoard(
  seed: number,
  size: { readonly rows: number; readonly columns: number } = defaultBoardSize,
): Board {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32)
    throw new RangeError(`A board's seed is a whole number from 0 to 2^32 - 1, found ${seed}.`);
  const { rows, columns } = size;
  if (!Number.isInteger(rows) || !Number.isInteger(columns) || rows < 2 || columns < 2)
    throw new RangeError(`A board has at least 2 × 2 tiles, found ${rows} × ${columns}.`);
  const pick = <T>(list: readonly T[], index: number): T =>
    list[Math.floor(draw(seed, index) * list.length)]!;
  const shares: readonly [TileKind, number][] = [
    ['wall', 0.08 + 0.1 * draw(seed, 1)],
    ['crate', 0.06 + 0.08 * draw(seed, 2)],
    ['water', 0.1 * draw(seed, 3)],
    ['coin', 0.04 + 0.06 * draw(seed, 4)],
    ['grass', 0.1 + 0.2 * draw(seed, 5)],
  ];
  const kinds: TileKind[] = Array.from({ length: rows * columns }, (_, tile) => {
    const u = draw(seed, 16 + tile);
    let below = 0;
    for (const [kind, share] of shares) {
      if (u >= below && u < below + share) return kind;
      below += share;
    }
    return 'bare';
  });
  const start = Math.floor(draw(seed, 6) * rows * columns);
  const row = Math.floor(start / columns);
  const column = start % columns;
  if (kinds[start] !== 'grass') kinds[start] = 'bare';
  for (const facing of facings) {
    const beside = neighbour({ rows, columns, row, column, facing });
    if (beside !== undefined && (kinds[beside] === 'wall' || kinds[beside] === 'water'))
      kinds[beside] = 'bare';
  }
  return {
    theme: pick(tileThemes, 0),
    rows,
    columns,
    kinds,
    row,
    column,
    facing: pick(facings, 7),
    clock: Math.floor(draw(seed, 8) * clockPhases),
  };
}

/** Index of the tile the agent faces; undefined beyond the edge. */
export function neighbour({
  rows,
  columns,
  row,
  column,
  facing,
}: Pick<Board, 'rows' | 'columns' | 'row' | 'column' | 'facing'>): number | undefined {
  const [down, across] = stepOf[facing];
  const r = row + down;
  const c = column + across;
  return r < 0 || r >= rows || c < 0 || c >= columns ? undefined : r * columns + c;
}

/** Whether the agent can walk there. */
export function isOpen(kind: TileKind): boolean {
  return kind === 'bare' || kind === 'grass' || kind === 'coin';
}

/** The board one frame later. */
export function stepBoard(board: Board, action: TileAction): Board {
  const clock = (board.clock + 1) % clockPhases;
  if (action === 'none') return { ...board, clock };
  const facing = action === 'act' ? board.facing : action;
  const ahead = neighbour({ ...board, facing });
  const kind = ahead === undefined ? undefined : board.kinds[ahead];
  if (ahead === undefined || kind === undefined) return { ...board, facing, clock };
  if (action !== 'act') {
    if (!isOpen(kind)) return { ...board, facing, clock };
    return {
      ...board,
      kinds: kind === 'coin' ? board.kinds.with(ahead, 'bare') : board.kinds,
      row: Math.floor(ahead / board.columns),
      column: ahead % board.columns,
      facing,
      clock,
    };
  }
  if (kind === 'crate') return { ...board, kinds: board.kinds.with(ahead, 'bare'), clock };
  if (kind === 'bare' || kind === 'grass')
    return { ...board, kinds: board.kinds.with(ahead, 'crate'), clock };
  return { ...board, clock };
}

/** `start` and the board after each action: one more than there are actions. */
export function playBoard(start: Board, actions: readonly TileAction[]): Board[] {
  const boards = [start];
  for (const action of actions) boards.push(stepBoard(boards.at(-1)!, action));
  return boards;
}

/** Actions of a wanderer that goes on the way it went, acts often and sometimes waits; the same for a seed. */
export function randomActions(seed: number, count: number): TileAction[] {
  const actions: TileAction[] = [];
  // Draws far from those that lay a board, so that a board and its walk may share a seed.
  const first = 2 ** 20;
  for (let i = 0; i < count; i++) {
    const before = actions.at(-1);
    const keeps = before !== undefined && before !== 'act' && draw(seed, first + 2 * i) < 0.4;
    const u = draw(seed, first + 2 * i + 1);
    const fresh: TileAction = u < 0.08 ? 'none' : u < 0.76 ? facings[Math.floor((u - 0.08) / 0.17)]! : 'act';
    actions.push(keeps ? before : fresh);
  }
  return actions;
}
