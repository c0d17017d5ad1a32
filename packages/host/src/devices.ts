/** The device that models run on in this process: tried for real once after each start of the machine. */
import { readFile } from 'node:fs/promises';
import { hostname, uptime } from 'node:os';
import { dirname, join } from 'node:path';
import {
  askedDeviceOf,
  chooseDevice,
  type DeviceChoice,
  type DeviceProbe,
  parseProbes,
  probeDevices,
} from '@reelgraph/inference';
import { writeFileAtomically } from './atomic-file.ts';

/** What decides which drivers and libraries are found, besides what is installed. */
const variables = ['VK_ICD_FILENAMES', 'VK_DRIVER_FILES', 'LD_LIBRARY_PATH', 'CUDA_VISIBLE_DEVICES'];

/** Where tries are remembered: beside the digests. */
function memoryFileBeside(digestFile: string): string {
  return join(dirname(digestFile), 'devices.json');
}

/** Changes with a start of the machine: drivers come and go with it. */
async function machineStamp(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() =>
    // To the ten minutes: the two clocks drift.
    String(Math.round((Date.now() / 1000 - uptime()) / 600)),
  );
  const env = variables.map((name) => `${name}=${process.env[name] ?? ''}`);
  return ['onnxruntime-node 1.30.0', hostname(), boot.trim(), ...env].join('\n');
}

export interface DevicesOptions {
  /** Tries again what is remembered. */
  readonly anew?: boolean;
}

/** What is ready here and what is not. @param digestFile a file of the data folder; see `digestFileOf` */
export async function devicesHere(
  digestFile: string,
  { anew = false }: DevicesOptions = {},
): Promise<readonly DeviceProbe[]> {
  const memoryFile = memoryFileBeside(digestFile);
  const machine = await machineStamp();
  if (!anew) {
    const known = await remembered(memoryFile, machine);
    if (known !== undefined) return known;
  }
  const probes = await probeDevices();
  // A disk that cannot be written costs the same try at the next start.
  await writeFileAtomically(memoryFile, Buffer.from(JSON.stringify({ version: 1, machine, probes }))).catch(
    () => undefined,
  );
  return probes;
}

async function remembered(file: string, machine: string): Promise<readonly DeviceProbe[] | undefined> {
  try {
    const known: { version?: unknown; machine?: unknown; probes?: unknown } = JSON.parse(
      await readFile(file, 'utf8'),
    );
    return known.version === 1 && known.machine === machine ? parseProbes(known.probes) : undefined;
  } catch {
    return undefined;
  }
}

/** The device that was asked for by `REELGRAPH_DEVICE`, or why it is another. Tries nothing for `cpu`. */
export async function chosenDevice(digestFile: string): Promise<DeviceChoice> {
  const asked = askedDeviceOf(process.env);
  return asked === 'cpu' ? { device: 'cpu' } : chooseDevice(asked, await devicesHere(digestFile));
}
