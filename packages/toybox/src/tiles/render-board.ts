import type { Clip } from '../world/clip.ts';
import { type TilePicture, tilePicture, tileSidePx } from './sprites.ts';
import { type Board, playBoard, type TileAction } from './tile-world.ts';

/** What each tile of a board shows, row by row. */
function picturesOf(board: Board): TilePicture[] {
  const agentAt = board.row * board.columns + board.column;
  return board.kinds.map((kind, tile): TilePicture => {
    if (tile === agentAt) {
      // The agent stands on open ground only, and on no coin: it has collected it.
      const ground = kind === 'grass' ? 'grass' : 'bare';
      return { kind: 'agent', ground, facing: board.facing, phase: board.clock };
    }
    return kind === 'coin' || kind === 'water' ? { kind, phase: board.clock } : { kind };
  });
}

/** RGB bytes [rows · 8, columns · 8, 3] of one board. */
export function renderBoard(board: Board): Uint8Array {
  const rowBytes = tileSidePx * 3;
  const frame = new Uint8Array(board.rows * board.columns * tileSidePx * rowBytes);
  picturesOf(board).forEach((picture, tile) => {
    const { pixels } = tilePicture(board.theme, picture);
    const top = Math.floor(tile / board.columns) * tileSidePx;
    const left = (tile % board.columns) * rowBytes;
    for (let y = 0; y < tileSidePx; y++) {
      const from = y * rowBytes;
      frame.set(pixels.subarray(from, from + rowBytes), (top + y) * board.columns * rowBytes + left);
    }
  });
  return frame;
}

/** Boards of one size as a clip, one frame each. */
export function renderBoards(boards: readonly Board[]): Clip {
  const width = (boards[0]?.columns ?? 0) * tileSidePx;
  const height = (boards[0]?.rows ?? 0) * tileSidePx;
  const frames = new Uint8Array(boards.length * height * width * 3);
  boards.forEach((board, f) => {
    frames.set(renderBoard(board), f * height * width * 3);
  });
  return { frames, frameCount: boards.length, width, height };
}

/** The true clip of a board under actions: its first frame, then one for each action. */
export function renderPlay(start: Board, actions: readonly TileAction[]): Clip {
  return renderBoards(playBoard(start, actions));
}
