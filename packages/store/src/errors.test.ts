import { describe, expect, test } from 'vitest';
import { diskError, StoreError } from './errors.ts';

describe('disk errors', () => {
  test.each([
    ['ENOSPC', 'store/disk-full'],
    ['SQLITE_FULL', 'store/disk-full'],
    ['SQLITE_READONLY', 'store/not-writable'],
    ['SQLITE_IOERR_WRITE', 'store/io'],
    ['ENOENT', 'store/io'],
  ])('B5 %s is %s', (code, expected) => {
    const cause = Object.assign(new Error(`${code}: '/home/someone/data'`), { code });
    const error = diskError(cause, 'accepting a run');
    expect([error.code, error.cause]).toEqual([expected, cause]);
    expect(error.message).toContain('accepting a run');
    expect(`${error.message} ${error.hint ?? ''}`).not.toContain('someone');
  });

  test('B5 an error of the store stays what it is', () => {
    const error = new StoreError('store/damaged', 'x');
    expect(diskError(error, 'reading')).toBe(error);
    expect(diskError('odd', 'reading').message).toBe('The disk answered an error while reading.');
  });
});
