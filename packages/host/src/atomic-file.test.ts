import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeFileAtomically } from './atomic-file.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-atomic-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('writes new and replaces old files, with their folders', async () => {
  const path = join(folder, 'a/b/file.txt');
  await writeFileAtomically(path, 'one');
  await writeFileAtomically(path, new TextEncoder().encode('two'));
  expect(await readFile(path, 'utf8')).toBe('two');
  expect(await readdir(join(folder, 'a/b'))).toEqual(['file.txt']);
});

it('leaves nothing behind when the target cannot be replaced', async () => {
  // a folder stands where the file should go
  await writeFileAtomically(join(folder, 'taken/inside'), '');
  await expect(writeFileAtomically(join(folder, 'taken'), 'x')).rejects.toThrow();
  expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
});
