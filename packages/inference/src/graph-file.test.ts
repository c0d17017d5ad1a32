import { link, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkGraphFile, GraphFileError } from './graph-file.ts';
import { longTextEncoder, textEncoderWithWeightsIn } from './testing/onnx-files.ts';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelgraph-graph-file-'));
  folder = join(root, 'package', 'text_encoder');
  await mkdir(join(folder, 'shards'), { recursive: true });
  await writeFile(join(root, 'secret'), 'of somebody else');
  await writeFile(join(folder, 'model.onnx.data'), Buffer.alloc(4));
  await writeFile(join(folder, 'shards', '1.data'), Buffer.alloc(4));
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function check(bytes: Uint8Array): Promise<unknown> {
  const path = join(folder, 'model.onnx');
  await writeFile(path, bytes);
  return checkGraphFile(path);
}

const refusal = async (bytes: Uint8Array) => {
  const error: unknown = await check(bytes).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(GraphFileError);
  return error instanceof Error ? error.message : '';
};

describe('checkGraphFile', () => {
  it('takes graphs with weights beside them and below', async () => {
    await expect(check(textEncoderWithWeightsIn('model.onnx.data'))).resolves.toBeDefined();
    await expect(check(textEncoderWithWeightsIn('shards/1.data'))).resolves.toBeDefined();
  });

  it.each([
    ['above the folder', '../../secret'],
    ['above and back', 'shards/../../text_encoder/model.onnx.data'],
    ['with the other slash', '..\\..\\secret'],
    ['from the root', '/etc/passwd'],
    ['of a drive', 'C:\\secret'],
    ['of a drive, relative to it', 'C:secret'],
    ['on a share', '\\\\server\\secret'],
    ['through a symlink', 'leaving'],
    ['through a linked folder', 'elsewhere/secret'],
    ['with a NUL', 'model.onnx.data\0'],
    ['without a name', ''],
  ])('refuses weights %s', async (_what, location) => {
    await symlink(join(root, 'secret'), join(folder, 'leaving'));
    await symlink(root, join(folder, 'elsewhere'));
    const why = await refusal(textEncoderWithWeightsIn(location));
    expect(why).toContain('names weights outside its folder');
    expect(why).not.toContain(root);
  });

  it('refuses weights that are a hard link: what it leads to may be anybody’s', async () => {
    await link(join(root, 'secret'), join(folder, 'hard'));
    expect(await refusal(textEncoderWithWeightsIn('hard'))).toContain('hard link');
  });

  it('says which weights are missing, without what a terminal would obey', async () => {
    expect(await refusal(textEncoderWithWeightsIn('lost.data'))).toBe('needs "lost.data", which is missing');
    expect(await refusal(textEncoderWithWeightsIn('\u001b[2Jlost'))).toBe(
      'needs "?[2Jlost", which is missing',
    );
  });

  it('refuses weights that are a folder', async () => {
    expect(await refusal(textEncoderWithWeightsIn('shards'))).toContain('no file');
  });

  it.each([
    ['a pickle', Buffer.from('80049512000000', 'hex'), 'is a Python pickle'],
    ['a zip', Buffer.from('PK\u0003\u0004data.pkl'), 'is a zip archive'],
    ['a script', Buffer.from('#!/usr/bin/env python\nimport os\n'), 'is a script'],
  ])('refuses %s by the name of a graph', async (_what, bytes, why) => {
    expect(await refusal(bytes)).toContain(why);
  });

  it('looks again when the file has changed, at the file and at its weights', async () => {
    const path = join(folder, 'model.onnx');
    await check(textEncoderWithWeightsIn('model.onnx.data'));
    await rm(join(folder, 'model.onnx.data'));
    await expect(checkGraphFile(path)).rejects.toThrow('which is missing');
    await writeFile(path, longTextEncoder(3));
    await expect(checkGraphFile(path)).resolves.toMatchObject({ nodes: 4, externalFiles: [] });
    await truncate(path, 60);
    await expect(checkGraphFile(path)).rejects.toThrow('cut short');
  });
});
