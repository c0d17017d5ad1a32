import { describe, expect, it } from 'vitest';
import { describeFormat, formatOf } from './file-format.ts';

const text = (content: string) => Buffer.from(content, 'latin1');
const bytes = (...values: readonly number[]) => Buffer.from([...values, ...Buffer.alloc(32, 0x55)]);

function safetensors(headerBytes: number): Buffer {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(headerBytes));
  return Buffer.concat([size, text('{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}')]);
}

describe('formatOf', () => {
  it.each([
    ['the beginning of an ONNX graph', bytes(0x08, 0x08, 0x12, 0x07), 'onnx'],
    ['a safetensors header that fits', safetensors(58), 'safetensors'],
    ['one that would be longer than the file', safetensors(58_000), 'unknown'],
    ['a pickle of protocol 2', bytes(0x80, 0x02, 0x7d, 0x71), 'pickle'],
    ['a pickle of protocol 5', bytes(0x80, 0x05, 0x95), 'pickle'],
    ['a pickle of protocol 0', text('cos\nsystem\n(S"id"\ntR.'), 'pickle'],
    ['a pickle of protocol 0 with a mark', text('(dp0\nS"weight"\np1\n'), 'pickle'],
    ['a zip, as torch.save writes it', text('PK\x03\x04archive/data.pkl'), 'zip'],
    ['a gzip', bytes(0x1f, 0x8b, 0x08), 'archive'],
    ['a tar', Buffer.concat([Buffer.alloc(257, 0x61), text('ustar\x0000')]), 'archive'],
    ['a GGUF', text('GGUF\x03\0\0\0'), 'gguf'],
    ['an HDF5', bytes(0x89, 0x48, 0x44, 0x46), 'hdf5'],
    ['a program', bytes(0x7f, 0x45, 0x4c, 0x46), 'program'],
    ['a shell script', text('#!/bin/sh\nrm -rf ~\n'), 'script'],
    ['a Python script', text('# weights\nimport os\nos.system("id")\n'), 'script'],
    ['a page of an error', text('\n<!DOCTYPE html><html>404</html>'), 'page'],
    ['a pointer of Git LFS', text('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'), 'unknown'],
    ['nothing', Buffer.alloc(0), 'empty'],
  ] as const)('%s', (_what, head, format) => {
    expect(formatOf(head, head.length)).toBe(format);
  });

  it('has a sentence for each that is no graph', () => {
    for (const format of ['pickle', 'zip', 'script', 'page', 'unknown'] as const)
      expect(describeFormat(format)).toMatch(/^is (a|not) /);
  });
});
