/** `reelgraph devices`: what models can run on here, why not on the others, and what that is worth by measure. */
import {
  askedDeviceOf,
  chooseDevice,
  type DeviceProbe,
  dataFolderAt,
  devicesHere,
  digestFileOf,
} from '@reelgraph/host';
import { exitCodes } from './exit-codes.ts';
import { dataFolderPath } from './places.ts';
import type { Output } from './reporters.ts';

export interface DevicesCommandOptions {
  readonly json?: boolean;
  readonly data?: string;
}

/** Tries all devices anew and answers the exit code. */
export async function devicesCommand(options: DevicesCommandOptions, output: Output): Promise<number> {
  const asked = askedDeviceOf(process.env);
  const folder = dataFolderAt(dataFolderPath(options.data));
  const devices = await devicesHere(digestFileOf(folder), { anew: true });
  const choice = chooseDevice(asked, devices);
  if (options.json) output.write(`${JSON.stringify({ asked, ...choice, devices }, null, 2)}\n`);
  else output.write(formatDevices(devices, choice));
  return exitCodes.ok;
}

function formatDevices(
  devices: readonly DeviceProbe[],
  { device, message }: ReturnType<typeof chooseDevice>,
): string {
  const cpu = devices.find((probe) => probe.device === 'cpu');
  const lines = devices.map((probe) => {
    const name = probe.device.padEnd(10);
    if (probe.status === 'absent') return `${name}not ready  ${probe.reason}`;
    const times = `first answer ${ms(probe.firstMs)}, 64 x 64 in ${ms(probe.smallMs)}, 512 x 512 in ${ms(probe.largeMs)}`;
    return `${name}ready      ${times}${speedText(probe, cpu)}`;
  });
  const chosen = message ?? `Models run on ${device}.`;
  const how = 'REELGRAPH_DEVICE or --device names another; auto takes the fastest by measure.';
  return `${lines.join('\n')}\n${chosen} ${how}\n`;
}

/** How fast a device computes against the processor. */
function speedText(probe: Extract<DeviceProbe, { status: 'ready' }>, cpu: DeviceProbe | undefined): string {
  if (cpu?.status !== 'ready' || probe.device === 'cpu') return '';
  const times = cpu.largeMs / probe.largeMs;
  return times >= 1
    ? `, ${times.toFixed(1)} times as fast as cpu`
    : `, ${(1 / times).toFixed(1)} times as slow as cpu`;
}

function ms(value: number): string {
  return value < 10 ? `${value.toFixed(2)} ms` : `${Math.round(value)} ms`;
}
