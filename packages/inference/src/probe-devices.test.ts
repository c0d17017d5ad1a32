import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type DeviceParts, missingPartOf, probeDevices, reasonFrom } from './probe-devices.ts';
import { isOutOfMemory } from './run-graph.ts';
import { probeGraph } from './testing/onnx-files.ts';

/** A machine with some files on its disk. */
const machine = (platform: NodeJS.Platform, ...files: readonly string[]): DeviceParts => ({
  platform,
  runtimeFolder: '/runtime',
  exists: (path) => files.includes(path),
});
const shared = '/runtime/libonnxruntime_providers_shared.so';
const cuda = '/runtime/libonnxruntime_providers_cuda.so';
const driver = '/proc/driver/nvidia/version';

describe('what can be told without starting a device', () => {
  it.each([
    ['cuda', machine('linux'), 'libonnxruntime_providers_shared.so is not installed'],
    ['cuda', machine('linux', shared), 'libonnxruntime_providers_cuda.so is not installed'],
    ['tensorrt', machine('linux', shared, cuda), 'libonnxruntime_providers_tensorrt.so is not installed'],
    ['cuda', machine('linux', shared, cuda), 'The NVIDIA driver is not loaded'],
    ['cuda', machine('darwin'), 'It exists on Linux and Windows only.'],
    ['coreml', machine('linux'), 'It exists on macOS only.'],
    ['dml', machine('linux'), 'It exists on Windows only.'],
  ] as const)('%s: %#', (device, parts, why) => {
    expect(missingPartOf(device, parts)).toContain(why);
  });

  it('leaves the rest to the try', () => {
    expect(missingPartOf('cuda', machine('linux', shared, cuda, driver))).toBeUndefined();
    expect(missingPartOf('coreml', machine('darwin'))).toBeUndefined();
    expect(missingPartOf('webgpu', machine('linux'))).toBeUndefined();
  });
});

describe('probeDevices', () => {
  it('tries the processor, and nothing whose parts are missing', async () => {
    const probes = await probeDevices(['cpu', 'cuda'], machine('linux'));
    expect(probes).toEqual([
      {
        device: 'cpu',
        status: 'ready',
        firstMs: expect.any(Number),
        smallMs: expect.any(Number),
        largeMs: expect.any(Number),
      },
      { device: 'cuda', status: 'absent', reason: expect.stringContaining('is not installed') },
    ]);
  });

  it('a device whose libraries cannot be loaded is absent for that reason, and ends nobody', async () => {
    // Everything seems to be there; the runtime here was not given the libraries.
    const pretended = machine('linux', shared, cuda, driver);
    const [probe] = await probeDevices(['cuda'], pretended);
    expect(probe).toMatchObject({
      device: 'cuda',
      status: 'absent',
      reason: expect.stringMatching(/^\p{Lu}.*\.$/u),
    });
  });

  it('tries the graph that is written beside it', async () => {
    expect(await readFile(join(import.meta.dirname, 'probe.onnx'))).toEqual(Buffer.from(probeGraph()));
  });
});

describe('reasonFrom', () => {
  it.each([
    [
      'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library',
      'Failed to load library /x/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No such file',
      'The library libcublasLt.so.13 is missing.',
    ],
    ['Failed to get a WebGPU adapter: No supported adapters', '', 'There is no WebGPU adapter: no driver'],
    ['no available backend found. ERR: [dml] backend not found.', '', 'The runtime was built without it.'],
    ['Failed at /home/somebody/secret/file.cc:12', '', 'A small graph did not run: Failed at file.cc:12.'],
  ])('%s', (message, errors, reason) => {
    expect(reasonFrom(message, errors)).toContain(reason);
  });
});

describe('isOutOfMemory', () => {
  it.each([
    ['std::bad_alloc', true],
    ['Failed to allocate memory for requested buffer of size 17179869184', true],
    ['Non-zero status code returned while running MatMul: CUDA failure 2: out of memory', true],
    ['Got invalid dimensions for input: sample', false],
  ])('%s: %s', (message, expected) => {
    expect(isOutOfMemory(new Error(message))).toBe(expected);
  });
});
