import { expect, test } from 'vitest';
import { freshNodeId } from './names.ts';

test('ids that are taken are numbered', () => {
  const taken = new Set(['noise', 'noise-2']);
  expect(freshNodeId('noise', (id) => taken.has(id))).toBe('noise-3');
  expect(freshNodeId('noise-2', (id) => taken.has(id))).toBe('noise-3');
  expect(freshNodeId('decode', (id) => taken.has(id))).toBe('decode');
});
