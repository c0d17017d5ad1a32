import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { renderBoards, renderPlay } from './render-board.ts';
import {
  type Board,
  playBoard,
  randomActions,
  randomBoard,
  stepBoard,
  type TileAction,
  type TileKind,
} from './tile-world.ts';

// Made by training/tiles_golden.py, with the rules and the renderer that the network was trained on.
const plays = JSON.parse(readFileSync(new URL('../../golden/tiles.json', import.meta.url), 'utf8')) as {
  seed: number;
  rows: number;
  columns: number;
  actions: TileAction[];
}[];
const goldenFrames = gunzipSync(readFileSync(new URL('../../golden/tiles.u8.gz', import.meta.url)));

/** One row of tiles, the agent on the first, facing right. */
function strip(...kinds: TileKind[]): Board {
  const columns = kinds.length;
  return { theme: 'meadow', rows: 1, columns, kinds, row: 0, column: 0, facing: 'right', clock: 0 };
}

describe('one tile world in two languages', () => {
  it('lays the same boards, plays them alike and draws every frame to the byte', () => {
    let at = 0;
    for (const { seed, rows, columns, actions } of plays) {
      const { frames } = renderPlay(randomBoard(seed, { rows, columns }), actions);
      const expected = goldenFrames.subarray(at, at + frames.length);
      expect(Buffer.compare(frames, expected), `seed ${seed}`).toBe(0);
      at += frames.length;
    }
    expect(at).toBe(goldenFrames.length);
  });
});

describe('stepBoard', () => {
  it('walks on open ground, and stays where a wall, water, a crate or the edge is ahead', () => {
    expect(stepBoard(strip('bare', 'grass'), 'right').column).toBe(1);
    for (const kind of ['wall', 'water', 'crate'] as const)
      expect(stepBoard(strip('bare', kind), 'right').column).toBe(0);
    expect(stepBoard(strip('bare', 'bare'), 'left')).toMatchObject({ column: 0, facing: 'left' });
  });

  it('collects a coin that it walks on', () => {
    expect(stepBoard(strip('bare', 'coin'), 'right')).toMatchObject({ column: 1, kinds: ['bare', 'bare'] });
  });

  it('breaks a crate and puts one, and what it changed stays', () => {
    const [start, ...after] = playBoard(strip('bare', 'crate', 'bare'), ['act', 'right', 'act', 'left']);
    expect(start?.kinds[1]).toBe('crate');
    expect(after.map((board) => board.kinds.join(' '))).toEqual([
      'bare bare bare',
      'bare bare bare',
      'bare bare crate',
      'bare bare crate',
    ]);
  });

  it('does nothing by acting on a wall, water, a coin or the edge', () => {
    for (const kind of ['wall', 'water', 'coin'] as const)
      expect(stepBoard(strip('bare', kind), 'act').kinds[1]).toBe(kind);
    expect(stepBoard({ ...strip('bare', 'bare'), facing: 'up' }, 'act').kinds).toEqual(['bare', 'bare']);
  });

  it('lets the clock go on whatever is done', () => {
    const boards = playBoard(strip('bare', 'wall'), ['none', 'right', 'act', 'up']);
    expect(boards.map((board) => board.clock)).toEqual([0, 1, 2, 3, 0]);
  });
});

describe('randomBoard', () => {
  it('repeats itself for a seed, and leaves the agent a way out', () => {
    for (let seed = 0; seed < 300; seed++) {
      const board = randomBoard(seed);
      expect(randomBoard(seed)).toEqual(board);
      const walks = (['left', 'right', 'up', 'down'] as const).some((way) => {
        const [, , last] = playBoard(board, [way, way]);
        const [, turned] = playBoard(board, [way]);
        // A crate may stand in the way; it can be broken.
        const broken = playBoard(board, [way, 'act', way]).at(-1);
        return [last, turned, broken].some((b) => b?.row !== board.row || b.column !== board.column);
      });
      expect(walks, `seed ${seed}`).toBe(true);
    }
  });

  it('refuses a seed that is none', () => {
    expect(() => randomBoard(-1)).toThrow(RangeError);
    expect(() => randomBoard(2 ** 32)).toThrow(RangeError);
  });
});

it('a walk of a seed repeats itself and uses every action', () => {
  const actions = randomActions(5, 400);
  expect(randomActions(5, 400)).toEqual(actions);
  expect(new Set(actions).size).toBe(6);
  expect(renderBoards([randomBoard(1)])).toMatchObject({ width: 64, height: 64, frameCount: 1 });
});
