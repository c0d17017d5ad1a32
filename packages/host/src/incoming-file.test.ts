import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { removeIncomingLeftovers, withIncomingFile } from './incoming-file.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-incoming-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const mebibyte = 1024 * 1024;
/** A beginning byte by byte, and then `count` mebibytes of zeros. */
async function* pieces(begin: string, count: number, asked: { count: number } = { count: 0 }) {
  for (const byte of Buffer.from(begin, 'latin1')) yield Uint8Array.of(byte);
  for (; asked.count < count; asked.count++) yield new Uint8Array(mebibyte);
}
const mp4 = '\0\0\0\x20ftypisom0000';

describe('a file that comes in', () => {
  it('is kept under its name when it is asked for, with what was seen on the way', async () => {
    const kept = await withIncomingFile(pieces(mp4, 70), folder, async (file) => {
      await file.keepAs(`${file.digest}.mp4`);
      return { digest: file.digest, byteLength: file.byteLength, head: Buffer.from(file.head) };
    });
    const hash = createHash('sha256')
      .update(mp4)
      .update(new Uint8Array(70 * mebibyte));
    const [digest, byteLength] = [hash.digest('hex'), 70 * mebibyte + 16];
    expect(kept).toEqual({ digest, byteLength, head: Buffer.from(mp4) });
    expect(await readdir(folder)).toEqual([`${digest}.mp4`]);
    expect((await stat(join(folder, `${digest}.mp4`))).size).toBe(byteLength);
  });

  it('that is no video is refused at 64 MiB, and no more of it is read', async () => {
    const asked = { count: 0 };
    const coming = withIncomingFile(pieces('\x89PNG', 100, asked), folder, async () => 'kept');
    await expect(coming).rejects.toMatchObject({ code: 'file/too-large' });
    expect(asked.count).toBe(63);
    expect(await readdir(folder)).toEqual([]);
  });

  it('leaves nothing when it breaks off, or nobody keeps it', async () => {
    const broken = new Error('the other side left');
    async function* breaking() {
      yield* pieces(mp4, 2);
      throw broken;
    }
    await expect(withIncomingFile(breaking(), folder, async () => 'kept')).rejects.toBe(broken);
    expect(await withIncomingFile(pieces(mp4, 2), folder, async () => 'looked at')).toBe('looked at');
    expect(await readdir(folder)).toEqual([]);
  });
});

it('what a killed process left of a file goes, what may still be coming stays', async () => {
  const names = [1, 2].map((n) => `.${String(n).repeat(8)}-0000-0000-0000-000000000000.incoming`);
  for (const name of [...names, '.hidden', 'a.png']) await writeFile(join(folder, name), name);
  for (const name of [names[0] ?? '', '.hidden', 'a.png']) await utimes(join(folder, name), 1, 1);
  await removeIncomingLeftovers(folder);
  expect((await readdir(folder)).sort()).toEqual([names[1], '.hidden', 'a.png'].sort());
  expect(await readFile(join(folder, 'a.png'), 'utf8')).toBe('a.png');
  await removeIncomingLeftovers(join(folder, 'nowhere'));
});
