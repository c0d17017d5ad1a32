import { chunkOfRgb } from '@reelgraph/node-api';
import { expect, it } from 'vitest';
import { paddedRgb } from './pixels.ts';

/** Two frames of 3 × 1: a b c, and d e f. */
const rgb = Uint8Array.from('abcdef', (letter) => letter.charCodeAt(0)).reduce(
  (bytes, value, at) => bytes.fill(value, at * 3, at * 3 + 3),
  new Uint8Array(18),
);
const letters = (bytes: Uint8Array) => String.fromCharCode(...bytes.filter((_, at) => at % 3 === 0));

it('a frame of an odd size grows by its own last column and row', () => {
  const row = chunkOfRgb(rgb, { frameCount: 2, widthPx: 3, heightPx: 1 });
  expect(letters(paddedRgb(row, rgb, 0, { widthPx: 4, heightPx: 2 }))).toBe('abccabcc');
  expect(letters(paddedRgb(row, rgb, 1, { widthPx: 4, heightPx: 2 }))).toBe('deffdeff');
  const column = chunkOfRgb(rgb, { frameCount: 2, widthPx: 1, heightPx: 3 });
  expect(letters(paddedRgb(column, rgb, 1, { widthPx: 2, heightPx: 4 }))).toBe('ddeeffff');
});

it('a frame that fits is not copied', () => {
  const chunk = chunkOfRgb(rgb, { frameCount: 2, widthPx: 3, heightPx: 1 });
  const bytes = paddedRgb(chunk, rgb, 1, { widthPx: 3, heightPx: 1 });
  expect([letters(bytes), bytes.buffer === rgb.buffer]).toEqual(['def', true]);
});
