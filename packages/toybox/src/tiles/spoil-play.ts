/** Clips that look right and are not: what a scorer of actions must reject. */
import type { Clip } from '../world/clip.ts';
import { draw } from './draw.ts';
import { renderBoards, renderPlay } from './render-board.ts';
import { type Board, facings, playBoard, stepBoard, type TileAction } from './tile-world.ts';

export const playSpoilings = [
  'mirrored',
  'one action ignored',
  'left and right swapped',
  'a change undone while away',
  'walks through what stops it',
  'a frame late',
] as const;
/** What is wrong with a spoilt clip. */
export type PlaySpoiling = (typeof playSpoilings)[number];

/**
 * The clip of a play with one thing wrong.
 *
 * @param seed chooses where, among the places it can be
 * @returns undefined when the play gives no occasion for it (nothing was changed and left, say)
 */
export function spoilPlay(
  spoiling: PlaySpoiling,
  start: Board,
  actions: readonly TileAction[],
  seed: number,
): Clip | undefined {
  const truth = playBoard(start, actions);
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(draw(seed, 0) * list.length)];
  const goOn = (upTo: readonly Board[], rest: readonly TileAction[]): Clip =>
    renderBoards([...upTo, ...playBoard(upTo.at(-1)!, rest).slice(1)]);
  switch (spoiling) {
    case 'mirrored':
      return mirror(renderPlay(start, actions));
    case 'left and right swapped': {
      if (!actions.some((action) => action === 'left' || action === 'right')) return undefined;
      const swap = { left: 'right', right: 'left' } as const;
      return renderPlay(
        start,
        actions.map((action) => (action === 'left' || action === 'right' ? swap[action] : action)),
      );
    }
    case 'one action ignored': {
      const at = pick(
        [...actions.keys()].filter((i) => !isSame(truth[i + 1]!, stepBoard(truth[i]!, 'none'))),
      );
      return at === undefined ? undefined : renderPlay(start, actions.with(at, 'none'));
    }
    case 'a frame late':
      return actions.every((action) => action === 'none')
        ? undefined
        : renderPlay(start, ['none', ...actions.slice(0, -1)]);
    case 'walks through what stops it': {
      const at = pick(
        [...actions.keys()].filter((i) => {
          const action = actions[i]!;
          const { row, column } = truth[i + 1]!;
          return (
            facingIn(action) &&
            row === truth[i]!.row &&
            column === truth[i]!.column &&
            hasTileAhead(truth[i + 1]!)
          );
        }),
      );
      if (at === undefined) return undefined;
      const stopped = truth[at + 1]!;
      const { ahead, row, column } = tileAhead(stopped)!;
      const through = { ...stopped, kinds: stopped.kinds.with(ahead, 'bare'), row, column };
      return goOn([...truth.slice(0, at + 1), through], actions.slice(at + 1));
    }
    case 'a change undone while away': {
      const places = truth.flatMap((board, f) =>
        board.kinds.flatMap((kind, tile) => {
          const away =
            Math.abs(Math.floor(tile / board.columns) - board.row) +
            Math.abs((tile % board.columns) - board.column);
          return kind !== start.kinds[tile] && away >= 3 ? [{ f, tile }] : [];
        }),
      );
      const place = pick(places);
      if (place === undefined) return undefined;
      const { f, tile } = place;
      const undone = { ...truth[f]!, kinds: truth[f]!.kinds.with(tile, start.kinds[tile]!) };
      return goOn([...truth.slice(0, f), undone], actions.slice(f));
    }
  }
}

function facingIn(action: TileAction): boolean {
  return facings.some((facing) => facing === action);
}

function tileAhead(board: Board) {
  const moved = stepBoard({ ...board, kinds: board.kinds.map(() => 'bare' as const) }, board.facing);
  if (moved.row === board.row && moved.column === board.column) return undefined;
  return { ahead: moved.row * board.columns + moved.column, row: moved.row, column: moved.column };
}

function hasTileAhead(board: Board): boolean {
  return tileAhead(board) !== undefined;
}

function isSame(a: Board, b: Board): boolean {
  return (
    a.row === b.row &&
    a.column === b.column &&
    a.facing === b.facing &&
    a.kinds.every((kind, i) => kind === b.kinds[i])
  );
}

function mirror(clip: Clip): Clip {
  const { frames, frameCount, width, height } = clip;
  const mirrored = new Uint8Array(frames.length);
  for (let line = 0; line < frameCount * height; line++) {
    for (let x = 0; x < width; x++) {
      const from = (line * width + x) * 3;
      mirrored.set(frames.subarray(from, from + 3), (line * width + width - 1 - x) * 3);
    }
  }
  return { ...clip, frames: mirrored };
}
