import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { link, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createInputFiles, type LocatedInputFiles } from './input-files.ts';

let root: string;
let files: LocatedInputFiles;

// root/secret.txt   root/beside/own.png   root/inputs/{picture.png, link.png, hard.png, folder-link/}
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelgraph-inputs-'));
  await mkdir(join(root, 'inputs'));
  await mkdir(join(root, 'beside/deeper'), { recursive: true });
  await writeFile(join(root, 'secret.txt'), 'secret');
  await writeFile(join(root, 'inputs/picture.png'), 'picture');
  await writeFile(join(root, 'beside/own.png'), 'own');
  await writeFile(join(root, 'beside/deeper/Bild ä.png'), 'deeper');
  await symlink(join(root, 'secret.txt'), join(root, 'inputs/link.png'));
  await link(join(root, 'secret.txt'), join(root, 'inputs/hard.png'));
  await symlink(root, join(root, 'inputs/folder-link'));
  files = createInputFiles([
    { folder: join(root, 'beside') },
    { folder: join(root, 'inputs'), prefix: 'inputs' },
  ]);
});
afterAll(() => rm(root, { recursive: true, force: true }));

const textOf = async (name: string) => Buffer.from(await files.read(name)).toString();

describe('an input file', () => {
  it('is found beside the workflow, in folders below it, and among the uploads under their prefix', async () => {
    expect(await textOf('own.png')).toBe('own');
    expect(await textOf('deeper/Bild ä.png')).toBe('deeper');
    expect(await textOf('inputs/picture.png')).toBe('picture');
  });

  it.skipIf(process.platform === 'win32')('is never a pipe, and nobody waits for its writer', async () => {
    execFileSync('mkfifo', [join(root, 'inputs/pipe.png')]);
    expect(await files.open('inputs/pipe.png')).toBeUndefined();
  });

  it('that is large comes in pieces and never whole', async () => {
    const byteLength = 64 * 1024 * 1024 + 5;
    const path = join(root, 'beside/large.mp4');
    await writeFile(path, 'begin');
    await truncate(path, byteLength);
    const sizes: number[] = [];
    for await (const piece of files.stream('large.mp4')) sizes.push(piece.byteLength);
    expect(sizes.reduce((sum, size) => sum + size)).toBe(byteLength);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1024 * 1024);
    const whole = createHash('sha256')
      .update('begin')
      .update(Buffer.alloc(byteLength - 5));
    expect(await files.digest('large.mp4')).toBe(whole.digest('hex'));
    await expect(files.read('large.mp4')).rejects.toMatchObject({ code: 'file/too-large' });
  });

  it('larger than any may be is not begun to be read', async () => {
    const path = join(root, 'beside/endless.mp4');
    await writeFile(path, '');
    await truncate(path, 4 * 1024 ** 3 + 1);
    const refusal = {
      code: 'file/too-large',
      message: 'The input file "endless.mp4" is larger than 4096 MiB.',
      hint: expect.stringContaining('REELGRAPH_INPUT_VIDEO'),
    };
    await expect(files.digest('endless.mp4')).rejects.toMatchObject(refusal);
    await expect(files.stream('endless.mp4')[Symbol.asyncIterator]().next()).rejects.toMatchObject(refusal);
  });

  it('of the uploads is not found without the prefix', async () => {
    await expect(files.read('picture.png')).rejects.toMatchObject({ code: 'file/not-found' });
  });

  it.each([
    '../secret.txt',
    'inputs/../secret.txt',
    'deeper/../../secret.txt',
    '..\\secret.txt',
    '%2e%2e/secret.txt',
    '/etc/passwd',
    '//server/share',
    'C:\\windows',
    'C:/windows',
    '~/secret.txt',
    '.',
    '..',
    '',
    'inputs',
    'inputs/',
    'inputs//picture.png',
    'inputs/picture.png ',
    'inputs/picture.png.',
    'inputs/picture.png\u0000.txt',
    'inputs/\u202egnp.erutcip',
    'inputs/pic\u200bture.png',
    'inputs/picture.png [input]',
    'inputs/con',
    'inputs/NUL.png',
    `inputs/${'a'.repeat(300)}`,
    `${'a/'.repeat(20)}b`,
    'inputs/link.png',
    'inputs/hard.png',
    'inputs/folder-link/secret.txt',
  ])('is never reached by the name %j', async (name) => {
    expect(await files.open(name)).toBeUndefined();
    await expect(files.read(name)).rejects.toMatchObject({ code: 'file/not-found' });
  });
});
