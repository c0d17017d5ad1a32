import { expect, it } from 'vitest';
import { memoryStorage } from './browser-storage.ts';
import { FileNames } from './file-names.ts';

const stored = `uploads/${'ab12cd34'.repeat(8)}.png`;

it('an uploaded file goes by the name it came with, also on the next visit', () => {
  const storage = memoryStorage();
  new FileNames(storage).keep(stored, 'my cat.png');
  expect(new FileNames(storage).labelOf(stored)).toBe('my cat.png');
});

it('a file from elsewhere goes by its own name, or by the start of a hash', () => {
  const names = new FileNames(memoryStorage({ 'reelgraph.fileNames': '[broken' }));
  expect(names.labelOf('inputs/blue-square.png')).toBe('blue-square.png');
  expect(names.labelOf(stored)).toBe('ab12cd34….png');
});
