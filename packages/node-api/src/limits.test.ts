import { describe, expect, it } from 'vitest';
import { maxTextCharacters, safeFileName } from './limits.ts';

describe('file names', () => {
  it.each([
    ['../../etc/passwd', 'etc-passwd'],
    ['my clip 2', 'my clip 2'],
    ['...', 'clip'],
    ['a"b\r\nc', 'a-b-c'],
    ['größe', 'größe'],
  ])('a file name %j becomes %j', (name, safe) => {
    expect(safeFileName(name)).toBe(safe);
  });
});

it('a text is too long for a model long before its tokens are counted', () => {
  expect(maxTextCharacters(77)).toBe(77 * 64);
});
