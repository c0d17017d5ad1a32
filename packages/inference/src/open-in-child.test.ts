import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openInChild } from './open-in-child.ts';
import { deepTextEncoder, longTextEncoder, slowTextEncoder } from './testing/onnx-files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-open-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function write(name: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

describe('openInChild', () => {
  it('opens what can be opened, and says what cannot', async () => {
    const good = await write('good.onnx', longTextEncoder(10_000));
    // Whole as protobuf, but no runtime knows the operator.
    const odd = await write(
      'odd.onnx',
      Buffer.from(
        Buffer.from(longTextEncoder(2)).toString('latin1').replaceAll('Identity', 'Identify'),
        'latin1',
      ),
    );
    const openings = await openInChild([odd, good]);
    expect(openings.get(good)).toMatchObject({ kind: 'opened' });
    expect(openings.get(odd)).toEqual({
      kind: 'refused',
      message: 'could not be opened as an ONNX graph',
      isFinal: true,
    });
  });

  it('gives up a graph that is never open, and goes on with the next', async () => {
    const slow = await write('slow.onnx', slowTextEncoder(20_000, 1024));
    const good = await write('after.onnx', longTextEncoder(3));
    const openings = await openInChild([slow, good], { timeoutMs: 3000 });
    expect(openings.get(slow)).toEqual({
      kind: 'refused',
      message: 'was not open after 3 s, and was given up',
      isFinal: false,
    });
    expect(openings.get(good)).toMatchObject({ kind: 'opened' });
  });

  it('loses a process to a graph that crashes it, and nothing else', async () => {
    // `checkGraphFile` would refuse it: this is what the process is there for when that misses one.
    const deep = await write('deep.onnx', deepTextEncoder(3000));
    const good = await write('behind.onnx', longTextEncoder(3));
    const openings = await openInChild([deep, good]);
    expect(openings.get(deep)).toMatchObject({
      kind: 'refused',
      message: expect.stringContaining('ended the process that opened it'),
      isFinal: true,
    });
    expect(openings.get(good)).toMatchObject({ kind: 'opened' });
  });

  it('holds it to its memory', async () => {
    const hungry = await write('hungry.onnx', slowTextEncoder(1, 20_000));
    const opening = (await openInChild([hungry], { memoryBytes: 2 * 2 ** 30 })).get(hungry);
    expect(opening).toMatchObject({ kind: 'refused' });
  });

  it('ends with the signal', async () => {
    const slow = await write('slower.onnx', slowTextEncoder(20_000, 1024));
    const abort = new AbortController();
    const opened = openInChild([slow], { signal: abort.signal });
    setTimeout(() => abort.abort(new Error('enough')), 500);
    await expect(opened).rejects.toThrow('enough');
  });
});
