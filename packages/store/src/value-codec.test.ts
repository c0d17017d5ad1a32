import { describe, expect, test } from 'vitest';
import { StoreError } from './errors.ts';
import { decodeValue, type EncodedValue, encodeValue } from './value-codec.ts';

function joined({ chunks }: EncodedValue): Uint8Array {
  return new Uint8Array(Buffer.concat(chunks));
}
function roundTrip(value: unknown): unknown {
  return decodeValue(joined(encodeValue(value)));
}

const value = {
  latent: {
    dtype: 'float32',
    shape: [1, 2, 1, 1, 3],
    data: Float32Array.of(0, -0, Number.NaN, Number.POSITIVE_INFINITY, 1e-45, -3.5),
  },
  half: { dtype: 'float16', shape: [3], data: Uint16Array.of(0, 0x7e00, 0xffff) },
  ints: { dtype: 'int32', shape: [2], data: Int32Array.of(-1, 2 ** 31 - 1) },
  ids: { dtype: 'int64', shape: [1, 2], data: BigInt64Array.of(-1n, 2n ** 63n - 1n) },
  bytes: { dtype: 'uint8', shape: [3], data: Uint8Array.of(1, 2, 255) },
  mask: { dtype: 'bool', shape: [2], data: Uint8Array.of(0, 1) },
  scalar: { dtype: 'float32', shape: [], data: Float32Array.of(7) },
  empty: { dtype: 'float32', shape: [0, 4], data: new Float32Array(0) },
  numbers: [
    0,
    -0,
    0.1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.MAX_SAFE_INTEGER,
  ],
  text: 'ünïcode \u0000 \ud800 "quoted"',
  nested: [{ a: [null, true, { $tensor: [1], $: 2, $$x: 3 }] }],
  $number: 'not a number',
  file: { kind: 'file', digest: 'a'.repeat(64), byteLength: 5, mediaType: 'video/mp4', name: 'clip.mp4' },
};

describe('values as bytes', () => {
  test('V1 everything comes back as it was', () => {
    const decoded = roundTrip(value);
    expect(decoded).toStrictEqual(value);
  });

  test('V1 names the files it refers to', () => {
    expect(encodeValue({ a: value.file, b: [value.file] }).files).toEqual(['a'.repeat(64)]);
  });

  test('V1 fields without a value are left out, a key `__proto__` stays a key', () => {
    expect(roundTrip({ a: undefined, b: 1 })).toStrictEqual({ b: 1 });
    const odd: unknown = JSON.parse('{"__proto__": {"polluted": 1}}');
    const decoded = roundTrip(odd);
    expect(JSON.stringify(decoded)).toBe('{"__proto__":{"polluted":1}}');
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
  });

  test('V2 tensors go in without a copy and come out aligned, from any offset', () => {
    const whole = new Float32Array(100).map((_, index) => index);
    const tensor = { dtype: 'float32', shape: [10], data: whole.subarray(5, 15) };
    const encoded = encodeValue({
      odd: { dtype: 'uint8', shape: [3], data: Uint8Array.of(1, 2, 3) },
      tensor,
    });
    expect(encoded.chunks.some((chunk) => chunk.buffer === whole.buffer)).toBe(true);
    const bytes = joined(encoded);
    expect(bytes.byteLength).toBe(encoded.byteLength);
    const shifted = new Uint8Array(bytes.byteLength + 3);
    shifted.set(bytes, 3);
    expect(decodeValue(shifted.subarray(3))).toMatchObject({
      tensor: { data: Float32Array.of(5, 6, 7, 8, 9, 10, 11, 12, 13, 14) },
    });
  });

  test('V3 refuses what cannot be kept', () => {
    const endless: unknown[] = [];
    endless.push(endless);
    for (const bad of [
      () => 1,
      { f: Symbol('x') },
      new Map(),
      new Date(),
      { deep: endless },
      5n,
      undefined,
      new Float32Array(3),
    ]) {
      expect(() => encodeValue(bad)).toThrow(StoreError);
    }
  });

  test('V3 bytes that were cut or changed are refused or still a value, never a crash', () => {
    const bytes = joined(encodeValue(value));
    for (let length = 0; length < bytes.byteLength; length += 13) {
      expect(() => decodeValue(bytes.subarray(0, length))).toThrow(StoreError);
    }
    for (let at = 0; at < bytes.byteLength; at += 1) {
      const changed = bytes.slice();
      changed[at] = (changed[at] ?? 0) ^ 0x15;
      try {
        decodeValue(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(StoreError);
      }
    }
  });
});
