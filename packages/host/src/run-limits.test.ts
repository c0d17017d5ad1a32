import { totalmem } from 'node:os';
import { expect, test } from 'vitest';
import { parseBytes, runLimitsOf } from './run-limits.ts';

test.each([
  ['0', 0],
  ['1048576', 1048576],
  ['500M', 500 * 1024 ** 2],
  ['1.5 GiB', 1.5 * 1024 ** 3],
  ['20gb', 20 * 1024 ** 3],
  ['2T', 2 * 1024 ** 4],
  ['', undefined],
  ['-1', undefined],
  ['20 apples', undefined],
  ['1e9', undefined],
])('a size is read as people write it: %s', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test('limits have defaults, and what cannot be read is said', () => {
  const problems: string[] = [];
  const say = (problem: string) => void problems.push(problem);
  expect(runLimitsOf({}, say)).toEqual({
    diskBytes: 20 * 1024 ** 3,
    memoryBytes: 512 * 1024 ** 2,
    stallMs: 1_800_000,
    silenceMs: 60_000,
    modelBytes: Math.round(totalmem() / 2),
    videoBytes: 4 * 1024 ** 3,
  });
  const env = {
    REELGRAPH_CACHE_DISK: '1G',
    REELGRAPH_CACHE_MEMORY: 'lots',
    REELGRAPH_MODEL_MEMORY: '0',
    REELGRAPH_STALL_MINUTES: '0',
    REELGRAPH_SILENT_SECONDS: '2.5',
    REELGRAPH_INPUT_VIDEO: '512M',
  };
  expect(runLimitsOf(env, say)).toEqual({
    diskBytes: 1024 ** 3,
    memoryBytes: 512 * 1024 ** 2,
    stallMs: Number.POSITIVE_INFINITY,
    silenceMs: 2500,
    modelBytes: 0,
    videoBytes: 512 * 1024 ** 2,
  });
  expect(problems).toEqual(['REELGRAPH_CACHE_MEMORY is "lots", which cannot be read; the default is used.']);
});
