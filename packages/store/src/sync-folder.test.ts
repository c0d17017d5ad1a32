import { describe, expect, test } from 'vitest';
import { type FolderSystem, syncFolder } from './sync-folder.ts';

function failing(platform: NodeJS.Platform, step: 'open' | 'sync', code: string) {
  let closed = 0;
  const fail = (name: string): void => {
    if (name === step) throw Object.assign(new Error(code), { code });
  };
  const system: FolderSystem = {
    platform,
    async open() {
      fail('open');
      return {
        sync: async () => fail('sync'),
        close: async () => {
          closed += 1;
        },
      };
    },
  };
  return { system, closed: () => closed };
}

describe('flushing a folder', () => {
  test.each(['EPERM', 'EISDIR', 'EACCES'])(
    'B7 %s is how Windows refuses, and an error elsewhere',
    async (code) => {
      for (const step of ['open', 'sync'] as const) {
        const windows = failing('win32', step, code);
        await syncFolder('anywhere', windows.system);
        expect(windows.closed()).toBe(step === 'sync' ? 1 : 0);
        await expect(syncFolder('anywhere', failing('linux', step, code).system)).rejects.toThrow(code);
      }
    },
  );

  test('B7 a disk that fails is an error on Windows too', async () => {
    await expect(syncFolder('anywhere', failing('win32', 'sync', 'EIO').system)).rejects.toThrow('EIO');
  });
});
