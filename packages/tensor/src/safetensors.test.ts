import { describe, expect, it } from 'vitest';
import { tensor } from './create.ts';
import { decodeSafetensors, encodeSafetensors, type SafetensorsFile } from './safetensors.ts';

const file: SafetensorsFile = {
  tensors: {
    mask: tensor('bool', [3], Uint8Array.of(1, 0, 1)),
    latent: tensor('float32', [1, 2, 2], Float32Array.of(0.5, -0, Number.MAX_VALUE, 1e-40)),
    ids: tensor('int64', [2], BigInt64Array.of(-1n, 2n ** 62n)),
    half: tensor('float16', [1], Uint16Array.of(0x3c00)),
    none: tensor('float32', [0], new Float32Array(0)),
  },
  metadata: { format: 'test', text: '“quoted”' },
};

/** A file from a header and bytes, as another program may write it: no padding, any order. */
function handMade(header: unknown, body: Uint8Array): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.byteLength + body.byteLength);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  bytes.set(json, 8);
  bytes.set(body, 8 + json.byteLength);
  return bytes;
}

describe('a safetensors file', () => {
  it('gives back every tensor to the bit, and its metadata', () => {
    const bytes = encodeSafetensors(file);
    expect(decodeSafetensors(bytes)).toEqual(file);
    expect(decodeSafetensors(Buffer.concat([bytes])), 'as files are read').toEqual(file);
  });

  it('has the same bytes whatever the order of its tensors, each without gaps and aligned', () => {
    const turned = { ...file, tensors: Object.fromEntries(Object.entries(file.tensors).reverse()) };
    const bytes = encodeSafetensors(file);
    expect(encodeSafetensors(turned)).toEqual(bytes);
    const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    expect(bytes.byteLength).toBe(8 + length + 3 + 16 + 16 + 2);
  });

  it('of another program is read wherever its tensors lie', () => {
    const bytes = handMade(
      {
        b: { dtype: 'F32', shape: [1], data_offsets: [1, 5] },
        a: { dtype: 'U8', shape: [1], data_offsets: [0, 1] },
      },
      Uint8Array.of(7, 0, 0, 128, 63),
    );
    expect(decodeSafetensors(bytes)).toEqual({
      tensors: { a: tensor('uint8', [1], Uint8Array.of(7)), b: tensor('float32', [1], Float32Array.of(1)) },
      metadata: {},
    });
  });

  const place = (entry: object) => handMade({ a: entry }, new Uint8Array(8));
  it.each([
    ['too short', new Uint8Array(5)],
    ['cut off in its header', encodeSafetensors(file).subarray(0, 60)],
    ['cut off in its tensors', encodeSafetensors(file).subarray(0, -1)],
    ['no JSON', handMade('{', new Uint8Array(0)).fill(0x7b, 8)],
    ['of an unknown dtype', place({ dtype: 'F8_E4M3', shape: [8], data_offsets: [0, 8] })],
    ['of another shape than its bytes', place({ dtype: 'F32', shape: [3], data_offsets: [0, 8] })],
    ['with half an element', place({ dtype: 'F32', shape: [1], data_offsets: [0, 5] })],
    ['with a negative place', place({ dtype: 'U8', shape: [8], data_offsets: [-8, 0] })],
    ['without a place', place({ dtype: 'U8', shape: [8] })],
  ])('that is %s is refused', (_, bytes) => {
    expect(() => decodeSafetensors(bytes)).toThrowError(/no safetensors file/);
  });
});
