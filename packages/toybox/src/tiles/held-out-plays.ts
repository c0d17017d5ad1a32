import {
  type Board,
  defaultBoardSize,
  firstHeldOutBoard,
  randomActions,
  randomBoard,
  type TileAction,
} from './tile-world.ts';

/** A board that training never saw, and what to do on it. */
export interface HeldOutPlay {
  readonly seed: number;
  readonly start: Board;
  readonly actions: readonly TileAction[];
}

/** The first `count` boards kept for evaluation with `steps` actions each, the same every time. */
export function heldOutPlays(
  count: number,
  steps: number,
  size: { readonly rows: number; readonly columns: number } = defaultBoardSize,
): HeldOutPlay[] {
  return Array.from({ length: count }, (_, i) => {
    const seed = firstHeldOutBoard + i;
    return { seed, start: randomBoard(seed, size), actions: randomActions(seed, steps) };
  });
}
