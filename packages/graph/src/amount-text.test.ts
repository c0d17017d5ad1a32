import { expect, it } from 'vitest';
import { bytesText, durationText } from './amount-text.ts';

it.each([
  [0, '0 ms'],
  [99.4, '99 ms'],
  [99.6, '0.1 s'],
  [1540, '1.5 s'],
  [59_940, '59.9 s'],
  [59_960, '1 min'],
  [60_000, '1 min'],
  [61_200, '1 min 1 s'],
  [119_600, '2 min'],
  [3_600_000, '60 min'],
])('%d ms are %s', (ms, text) => {
  expect(durationText(ms)).toBe(text);
});

it.each([
  [0, '0 B'],
  [1023.4, '1023 B'],
  [1023.6, '1.0 KiB'],
  [1536, '1.5 KiB'],
  [1024 ** 2 - 1, '1.0 MiB'],
  [1024 ** 2, '1.0 MiB'],
  [1024 ** 3 - 1024, '1.0 GiB'],
  [1.5 * 1024 ** 3, '1.5 GiB'],
  [3000 * 1024 ** 3, '3000.0 GiB'],
])('%d bytes are %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});
