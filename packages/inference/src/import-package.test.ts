import {
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { importPackage } from './import-package.ts';
import { createModelService } from './model-service.ts';
import { textEncoderWithWeightsIn } from './testing/onnx-files.ts';

const tiny = join(import.meta.dirname, 'fixtures/tiny-toybox');
let root: string;
let from: string;
let into: string;
let digestFile: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelgraph-import-'));
  from = join(root, 'download');
  into = join(root, 'data', 'models');
  digestFile = join(root, 'data', 'digests.json');
  await cp(tiny, from, { recursive: true });
});
afterEach(() => rm(root, { recursive: true, force: true }));

const bring = (options: { readonly link?: boolean } = {}) =>
  importPackage({ from, into, digestFile, ...options });
const imported = () => readdir(into).catch(() => []);

describe('importPackage', () => {
  it('brings a package in whole; it runs at once, and is neither hashed nor tried again', async () => {
    const told: { done: number; total: number }[] = [];
    const { name, digest, leftOut } = await importPackage({
      from,
      into,
      digestFile,
      onProgress: (progress) => told.push(progress),
    });
    expect({ name, leftOut: [...leftOut] }).toEqual({ name: 'tiny-toybox', leftOut: [] });
    expect(await imported()).toEqual(['tiny-toybox']);
    expect(told.at(-1)?.done).toBe(told.at(-1)?.total);
    const models = await createModelService({ roots: [into], digestFile });
    expect(models.installed()).toMatchObject([{ name: 'tiny-toybox', status: 'ready', digest }]);
    let read = 0;
    await models.digestOf('tiny-toybox', { onProgress: ({ done }) => (read = done) });
    expect(read).toBe(0);
    await models.dispose();
  });

  it('leaves behind what no package needs', async () => {
    await writeFile(join(from, 'pytorch_model.bin'), Buffer.from('PK\u0003\u0004archive/data.pkl'));
    await writeFile(join(from, 'convert.py'), 'print("hello")\n');
    await writeFile(join(from, 'LICENSE'), 'Do what you like.\n');
    const { leftOut, folder } = await bring();
    expect([...leftOut]).toEqual([
      ['convert.py', 'is a script'],
      ['pytorch_model.bin', 'is a zip archive, as PyTorch writes its pickles'],
    ]);
    expect(await readdir(folder)).not.toContain('convert.py');
    expect(await readdir(folder)).toContain('LICENSE');
  });

  it('brings weights beside a graph, whatever they begin like, and files behind links', async () => {
    await writeFile(join(from, 'text_encoder/model.onnx'), textEncoderWithWeightsIn('model.onnx.data'));
    await writeFile(join(from, 'text_encoder/model.onnx.data'), Buffer.from('80047d71', 'hex'));
    await cp(join(from, 'tokenizer'), join(root, 'blobs'), { recursive: true });
    await rm(join(from, 'tokenizer'), { recursive: true });
    await symlink(join(root, 'blobs'), join(from, 'tokenizer'));
    const { folder } = await bring();
    expect((await readFile(join(folder, 'text_encoder/model.onnx.data'))).toString('hex')).toBe('80047d71');
    expect((await lstat(join(folder, 'tokenizer'))).isDirectory()).toBe(true);
    expect((await lstat(join(folder, 'tokenizer'))).isSymbolicLink()).toBe(false);
  });

  it('links on request, and copies nothing', async () => {
    const { folder } = await bring({ link: true });
    expect((await lstat(folder)).isSymbolicLink()).toBe(true);
    const models = await createModelService({ roots: [into], digestFile });
    expect(models.installed()).toMatchObject([{ name: 'tiny-toybox', status: 'ready' }]);
    await models.dispose();
  });

  it('takes the place of nothing', async () => {
    await bring();
    await expect(bring()).rejects.toMatchObject({ code: 'model/exists' });
  });

  const cases: [string, string, () => Promise<unknown>][] = [
    ['a folder that is not there', 'model/not-found', () => rm(from, { recursive: true })],
    [
      'an archive',
      'model/not-found',
      async () => {
        await rm(from, { recursive: true });
        await writeFile(from, Buffer.from('PK\u0003\u0004'));
      },
    ],
    [
      'a folder without a package',
      'model/not-found',
      async () => {
        await rm(from, { recursive: true });
        await mkdir(from);
      },
    ],
    ['a graph cut short', 'model/damaged', () => truncate(join(from, 'transformer/model.onnx'), 300)],
    [
      'a graph that no runtime opens',
      'model/damaged',
      async () => {
        const path = join(from, 'transformer/model.onnx');
        await writeFile(path, (await readFile(path, 'latin1')).replaceAll('Mul', 'Mux'), 'latin1');
      },
    ],
    [
      'bytes unlike those published',
      'model/damaged',
      () => writeFile(join(from, 'SHA256SUMS'), `${'0'.repeat(64)}  model_index.json\n`),
    ],
    [
      'a family that nobody knows',
      'model/damaged',
      () => writeFile(join(from, 'model_index.json'), '{"_class_name": "OddPipeline"}'),
    ],
  ];
  it.each(cases)('refuses %s and leaves nothing behind', async (_what, code, spoil) => {
    await spoil();
    await expect(bring()).rejects.toMatchObject({ code });
    expect(await imported()).toEqual([]);
  });

  it('leaves nothing behind when it is stopped', async () => {
    const abort = new AbortController();
    const stopped = importPackage({
      from,
      into,
      digestFile,
      signal: abort.signal,
      onProgress: () => abort.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
    expect(await imported()).toEqual([]);
  });

  it('removes what a killed one left long ago', async () => {
    const old = join(into, '.import-0');
    await mkdir(old, { recursive: true });
    await utimes(old, new Date(0), new Date(0));
    await bring();
    expect(await imported()).toEqual(['tiny-toybox']);
  });
});
