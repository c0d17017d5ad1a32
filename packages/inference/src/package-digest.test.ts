import {
  appendFile,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PackageDigests } from './package-digest.ts';

const size = 3 * 2 ** 20;
let root: string;
let folder: string;
let memoryFile: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelgraph-digests-'));
  folder = join(root, 'package');
  memoryFile = join(root, 'memory', 'digests.json');
  await mkdir(join(folder, 'transformer'), { recursive: true });
  await writeFile(join(folder, 'model_index.json'), '{}');
  await writeFile(join(folder, 'transformer', 'model.onnx.data'), Buffer.alloc(size, 7));
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** Bytes that were read to answer, and the answer. */
async function ask(options: { readonly anew?: boolean } = {}, path = folder) {
  const told: { done: number; total: number }[] = [];
  const { digest } = await new PackageDigests(memoryFile).digestOf(path, {
    ...options,
    onProgress: (progress) => told.push(progress),
  });
  return { digest, read: told.at(-1)?.done ?? 0, told };
}

describe('PackageDigests', () => {
  it('reads files once, and tells how far it is', async () => {
    const first = await ask();
    expect(first.read).toBe(size + 2);
    expect(first.told.length).toBeGreaterThanOrEqual(3);
    for (const [at, { done, total }] of first.told.entries()) {
      expect(total).toBe(size + 2);
      expect(done).toBeGreaterThan(first.told[at - 1]?.done ?? 0);
    }
    expect(await ask()).toEqual({ digest: first.digest, read: 0, told: [] });
  });

  it('reads again what was touched, and nothing else', async () => {
    const first = await ask();
    await utimes(join(folder, 'model_index.json'), new Date(0), new Date(0));
    expect(await ask()).toMatchObject({ digest: first.digest, read: 2 });
    await appendFile(join(folder, 'transformer', 'model.onnx.data'), 'x');
    const second = await ask();
    expect(second.read).toBe(size + 1);
    expect(second.digest).not.toBe(first.digest);
  });

  it('knows a file again whose time was set back after a change', async () => {
    const path = join(folder, 'model_index.json');
    await utimes(path, new Date(1000), new Date(1000));
    const first = await ask();
    await writeFile(path, '[]');
    await utimes(path, new Date(1000), new Date(1000));
    expect((await ask()).digest).not.toBe(first.digest);
  });

  it('reads nothing of a package that was moved or renamed', async () => {
    const first = await ask();
    await rename(folder, join(root, 'renamed'));
    expect(await ask({}, join(root, 'renamed'))).toMatchObject({ digest: first.digest, read: 0 });
  });

  it('reads everything when asked to', async () => {
    await ask();
    expect((await ask({ anew: true })).read).toBe(size + 2);
  });

  it('says what is remembered without reading, also what another one learnt', async () => {
    const idle = new PackageDigests(memoryFile);
    expect(await idle.rememberedDigestOf(folder)).toBeUndefined();
    const { digest } = await ask();
    expect((await idle.rememberedDigestOf(folder))?.digest).toBe(digest);
  });

  it('keeps what others learnt meanwhile', async () => {
    const other = join(root, 'other');
    await mkdir(other);
    await writeFile(join(other, 'model_index.json'), '[]');
    const slow = new PackageDigests(memoryFile);
    await slow.rememberedDigestOf(folder);
    await ask({}, other);
    await slow.digestOf(folder);
    expect((await ask({}, other)).read).toBe(0);
    expect((await ask()).read).toBe(0);
  });

  it('follows links as downloads are made of, also those that lead nowhere or round', async () => {
    const { digest } = await ask();
    const linked = join(root, 'linked');
    await mkdir(linked);
    await symlink(join(folder, 'model_index.json'), join(linked, 'model_index.json'));
    await symlink(join(folder, 'transformer'), join(linked, 'transformer'));
    expect(await ask({}, linked)).toMatchObject({ digest, read: 0 });
    await symlink(join(root, 'lost'), join(linked, 'lost.json'));
    expect((await ask({}, linked)).digest).toBe(digest);
    await symlink(linked, join(linked, 'round'));
    expect((await ask({}, linked)).digest).toMatch(/^[0-9a-f]{64}$/);
    for (const name of ['and', 'round', 'it', 'goes']) await symlink(linked, join(linked, `${name}-2`));
    await expect(ask({}, linked)).rejects.toMatchObject({ code: 'model/damaged' });
  });

  it('a damaged memory is no memory', async () => {
    await ask();
    await writeFile(memoryFile, (await readFile(memoryFile, 'utf8')).slice(0, 40));
    expect((await ask()).read).toBe(size + 2);
  });

  it('ends with the signal', async () => {
    const abort = new AbortController();
    const hashed = new PackageDigests().digestOf(folder, {
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('enough')),
    });
    await expect(hashed).rejects.toThrow('enough');
  });
});
