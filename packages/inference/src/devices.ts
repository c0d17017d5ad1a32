/** Devices that the runtime may have, and which of them runs a model. */

import { z } from 'zod';

export const deviceNames = ['cpu', 'webgpu', 'cuda', 'tensorrt', 'coreml', 'dml'] as const;
export type DeviceName = (typeof deviceNames)[number];

const deviceSchema = z.enum(deviceNames);
const probeSchema = z.discriminatedUnion('status', [
  z.object({
    device: deviceSchema,
    status: z.literal('ready'),
    /** Until the first answer: the device opened, the graph compiled. */
    firstMs: z.number(),
    /** A product of two tables of 64 × 64, again: what asking alone costs. */
    smallMs: z.number(),
    /** A product of two tables of 512 × 512, again: what computing costs. */
    largeMs: z.number(),
  }),
  z.object({
    device: deviceSchema,
    status: z.literal('absent'),
    /** A sentence. */
    reason: z.string(),
  }),
]);

/** What a try of a device found. A device counts when a small graph ran on it and gave the right numbers. */
export type DeviceProbe = Readonly<z.infer<typeof probeSchema>>;

/** Tries that were written down; undefined when they are not what this version writes. */
export function parseProbes(value: unknown): readonly DeviceProbe[] | undefined {
  return z.array(probeSchema).safeParse(value).data;
}

/** A device, and why it is this one where that is not what was asked for. */
export interface DeviceChoice {
  readonly device: DeviceName;
  /** A sentence, for whoever started it. */
  readonly message?: string;
}

export type AskedDevice = DeviceName | 'auto';

/** A device beside the processor is taken by itself only when it is clearly faster: software drivers are not. */
const clearlyFaster = 2;

/**
 * The device named by `REELGRAPH_DEVICE`: `cpu` when nothing is said.
 *
 * @throws Error for a name that is none
 */
export function askedDeviceOf(env: Readonly<Record<string, string | undefined>>): AskedDevice {
  const name = env.REELGRAPH_DEVICE ?? '';
  if (name === '') return 'cpu';
  const known = (['auto', ...deviceNames] as const).find((device) => device === name);
  if (known !== undefined) return known;
  throw new Error(`REELGRAPH_DEVICE is "${name}"; it can be auto, ${deviceNames.join(', ')}.`);
}

/**
 * What runs: the device asked for when it is ready, else the processor, and why. With `auto` it is the fastest by
 * measure.
 *
 * @param probes of the devices of this machine; one that is not among them was not tried
 */
export function chooseDevice(asked: AskedDevice, probes: readonly DeviceProbe[]): DeviceChoice {
  if (asked === 'cpu') return { device: 'cpu' };
  const ready = probes.filter((probe) => probe.status === 'ready');
  if (asked !== 'auto') {
    if (ready.some((probe) => probe.device === asked)) return { device: asked };
    const absent = probes.find((probe) => probe.device === asked);
    const why = absent?.status === 'absent' ? absent.reason : 'It was not tried.';
    return { device: 'cpu', message: `The device ${asked} is not ready, models run on cpu. ${why}` };
  }
  const cpu = ready.find((probe) => probe.device === 'cpu');
  const [fastest] = ready.filter((probe) => probe.device !== 'cpu').sort((a, b) => a.largeMs - b.largeMs);
  if (fastest === undefined)
    return { device: 'cpu', message: 'Models run on cpu: no other device is ready.' };
  if (cpu !== undefined && fastest.largeMs * clearlyFaster > cpu.largeMs) {
    const times = `${fastest.largeMs.toFixed(1)} ms there, ${cpu.largeMs.toFixed(1)} ms on cpu`;
    return {
      device: 'cpu',
      message: `Models run on cpu: ${fastest.device} is not clearly faster (${times}).`,
    };
  }
  return { device: fastest.device, message: `Models run on ${fastest.device}, the fastest that is ready.` };
}
