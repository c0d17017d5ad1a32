import { createHash } from 'node:crypto';
import { type FileHandle, mkdtemp, open, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createFileDigests } from './file-pieces.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-pieces-'));
  path = join(folder, 'a.mp4');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const laterMs = () => Date.now() + 60_000;
/** Asks for the digest of the file as it is opened now; `reads` is how often that took a look at its bytes. */
async function ask(digestOf: (file: FileHandle) => Promise<string>) {
  const file = await open(path);
  const read = vi.spyOn(file, 'read');
  try {
    return { digest: await digestOf(file), reads: read.mock.calls.length };
  } finally {
    await file.close();
  }
}

describe('the digest of a file', () => {
  it('is worked out once, however often the file is opened', async () => {
    await writeFile(path, 'one');
    const digestOf = createFileDigests(laterMs);
    expect(await ask(digestOf)).toEqual({ digest: sha256('one'), reads: 2 });
    expect(await ask(digestOf)).toEqual({ digest: sha256('one'), reads: 0 });
  });

  it('is another when the file of that name is, also one of the same size and date', async () => {
    await writeFile(path, 'one');
    await utimes(path, 1, 1);
    const digestOf = createFileDigests(laterMs);
    await ask(digestOf);
    // Longer than a tick of the clock that file systems go by.
    await new Promise((done) => setTimeout(done, 30));
    await writeFile(path, 'two');
    await utimes(path, 1, 1);
    expect((await ask(digestOf)).digest).toBe(sha256('two'));
  });

  it('is worked out again where the file was changed just now, and its times may not tell of another change', async () => {
    await writeFile(path, 'one');
    const digestOf = createFileDigests();
    await ask(digestOf);
    await writeFile(path, 'two');
    expect((await ask(digestOf)).digest).toBe(sha256('two'));
    expect((await ask(digestOf)).reads).toBe(2);
  });

  it('is worked out once for those that ask at the same time', async () => {
    await writeFile(path, 'one');
    const digestOf = createFileDigests(laterMs);
    const file = await open(path);
    const read = vi.spyOn(file, 'read');
    const both = await Promise.all([digestOf(file), digestOf(file)]);
    await file.close();
    expect(both).toEqual([sha256('one'), sha256('one')]);
    expect(read).toHaveBeenCalledTimes(2);
  });
});
