import { describe, expect, it } from 'vitest';
import { askedDeviceOf, chooseDevice, type DeviceName, type DeviceProbe, parseProbes } from './devices.ts';

const ready = (device: DeviceName, largeMs: number): DeviceProbe => ({
  device,
  status: 'ready',
  firstMs: 100,
  smallMs: 0.1,
  largeMs,
});
const absent = (device: DeviceName, reason: string): DeviceProbe => ({ device, status: 'absent', reason });

describe('chooseDevice', () => {
  const machine = [
    ready('cpu', 20),
    ready('cuda', 0.5),
    ready('webgpu', 2),
    absent('tensorrt', 'No library.'),
  ];

  it('is what was asked for, without a word, when that is ready', () => {
    expect(chooseDevice('cpu', [])).toEqual({ device: 'cpu' });
    expect(chooseDevice('webgpu', machine)).toEqual({ device: 'webgpu' });
  });

  it('is the processor otherwise, and says why', () => {
    expect(chooseDevice('tensorrt', machine)).toEqual({
      device: 'cpu',
      message: 'The device tensorrt is not ready, models run on cpu. No library.',
    });
    expect(chooseDevice('dml', machine).message).toContain('It was not tried.');
  });

  it('auto takes the fastest by measure, whatever it is called', () => {
    expect(chooseDevice('auto', machine).device).toBe('cuda');
    expect(chooseDevice('auto', [ready('cpu', 20), ready('cuda', 3), ready('webgpu', 2)]).device).toBe(
      'webgpu',
    );
    expect(chooseDevice('auto', machine).message).toBe('Models run on cuda, the fastest that is ready.');
  });

  it.each([
    ['a software driver', [ready('cpu', 20), ready('webgpu', 8000)]],
    ['one that is hardly faster', [ready('cpu', 20), ready('webgpu', 15)]],
    ['none that is ready', [ready('cpu', 20), absent('cuda', 'No driver.')]],
  ])('auto leaves alone %s, and says so', (_what, probes) => {
    expect(chooseDevice('auto', probes)).toEqual({
      device: 'cpu',
      message: expect.stringMatching(/^Models run on cpu: /),
    });
  });
});

describe('askedDeviceOf', () => {
  it('is the processor when nothing is said, and no device that nobody knows', () => {
    expect(askedDeviceOf({})).toBe('cpu');
    expect(askedDeviceOf({ REELGRAPH_DEVICE: 'auto' })).toBe('auto');
    expect(() => askedDeviceOf({ REELGRAPH_DEVICE: 'gpu' })).toThrow('auto, cpu, webgpu, cuda');
  });
});

describe('parseProbes', () => {
  it('reads what was written, and nothing else', () => {
    const probes = [ready('cpu', 20), absent('cuda', 'No driver.')];
    expect(parseProbes(JSON.parse(JSON.stringify(probes)))).toEqual(probes);
    expect(parseProbes([{ device: 'abacus', status: 'ready' }])).toBeUndefined();
    expect(parseProbes(undefined)).toBeUndefined();
  });
});
