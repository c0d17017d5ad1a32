import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { OnnxScanError, scanOnnx } from './onnx-scan.ts';
import {
  deepTextEncoder,
  hollowTextEncoder,
  longTextEncoder,
  nestedTextEncoder,
  textEncoderWithWeightsIn,
} from './testing/onnx-files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-onnx-scan-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function scan(bytes: Uint8Array) {
  const path = join(folder, 'model.onnx');
  await writeFile(path, bytes);
  return scanOnnx(path);
}

/** A graph of nodes without anything in them. */
function manyNodes(count: number): Buffer {
  const length = 2 * count;
  const varint = [(length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];
  return Buffer.concat([
    Buffer.from([0x08, 0x08, 0x3a, ...varint]),
    Buffer.alloc(length, Buffer.from([0x0a, 0x00])),
  ]);
}

const toyboxTransformer = join(import.meta.dirname, '../../toybox/model/transformer/model.onnx');

describe('scanOnnx', () => {
  it('counts what a real graph is made of', async () => {
    const { nodes, functions, tensors, externalFiles } = await scanOnnx(toyboxTransformer);
    expect({ functions, externalFiles }).toEqual({ functions: 0, externalFiles: [] });
    expect(nodes).toBeGreaterThan(1000);
    expect(tensors).toBeGreaterThan(500);
  });

  it('names the files that weights lie in', async () => {
    expect((await scan(textEncoderWithWeightsIn('model.onnx.data'))).externalFiles).toEqual([
      'model.onnx.data',
    ]);
    expect((await scan(textEncoderWithWeightsIn('../../etc/passwd'))).externalFiles).toEqual([
      '../../etc/passwd',
    ]);
  });

  it('takes graphs as long and as nested as real ones are', async () => {
    expect((await scan(longTextEncoder(10_000))).nodes).toBe(10_001);
    expect((await scan(deepTextEncoder(60))).functions).toBe(60);
    expect((await scan(nestedTextEncoder(20))).nodes).toBe(25);
  });

  it.each([
    ['a chain of functions that ends the process that opens it', deepTextEncoder(3000), 'local functions'],
    ['branches within branches', nestedTextEncoder(60), 'nests graphs more than 32 deep'],
    ['a tensor larger than any memory', hollowTextEncoder(2 ** 20), 'declares a tensor of more than'],
    ['more nodes than any model has', manyNodes(500_001), 'more than 500000 nodes'],
    ['a message without a graph', Buffer.from([0x08, 0x08]), 'has no graph in it'],
    ['a name longer than any', textEncoderWithWeightsIn('a'.repeat(2 ** 20 + 1)), 'a name of more than'],
    ['groups, which protobuf 3 does not have', Buffer.from([0x08, 0x08, 0x0b, 0x0c]), 'no valid protobuf'],
    ['a number without an end', Buffer.alloc(64, 0xff), 'no valid protobuf'],
  ])('refuses %s', async (_what, bytes, why) => {
    const error: unknown = await scan(bytes).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OnnxScanError);
    expect(String(error)).toContain(why);
  });

  it('refuses a file that is cut short, wherever it is', async () => {
    const whole = longTextEncoder(20);
    await expect(scan(whole)).resolves.toBeDefined();
    for (let length = 2; length < whole.length; length += 7)
      await expect(scan(whole.subarray(0, length)), `${length} bytes`).rejects.toBeInstanceOf(OnnxScanError);
  });

  it('never answers anything but counts or a refusal, whatever bytes are turned', async () => {
    const whole = Buffer.from(
      await readFile(join(import.meta.dirname, 'fixtures/tiny-toybox/vae_decoder/model.onnx')),
    );
    let refused = 0;
    for (let at = 0; at < whole.length; at++) {
      const turned = Buffer.from(whole);
      turned[at] = (turned[at] ?? 0) ^ 0xff;
      const found: unknown = await scan(turned).catch((reason: unknown) => reason);
      if (found instanceof Error) {
        expect(found, `byte ${at}: ${found}`).toBeInstanceOf(OnnxScanError);
        refused += 1;
      }
    }
    expect(refused).toBeGreaterThan(10);
  });
});
