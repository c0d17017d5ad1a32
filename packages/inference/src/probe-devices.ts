/**
 * Tries devices for real, each in a process of its own: what the runtime was built with says nothing of drivers and
 * libraries, and a driver that crashes ends that process alone.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type DeviceName, type DeviceProbe, deviceNames } from './devices.ts';

/** The first answer of a software driver takes seconds; one that takes longer than this is of no use. */
const timeoutMs = 25_000;

const answerSchema = z.union([
  z.strictObject({ firstMs: z.number(), smallMs: z.number(), largeMs: z.number() }),
  z.strictObject({ failed: z.string() }),
]);

/** Where a device can be at all; elsewhere nothing is started. */
const platforms: Partial<
  Record<DeviceName, { readonly name: string; readonly is: readonly NodeJS.Platform[] }>
> = {
  coreml: { name: 'macOS', is: ['darwin'] },
  dml: { name: 'Windows', is: ['win32'] },
  cuda: { name: 'Linux and Windows', is: ['linux', 'win32'] },
  tensorrt: { name: 'Linux and Windows', is: ['linux', 'win32'] },
};

/** Files that a device needs, as far as they can be told without starting it. */
export interface DeviceParts {
  readonly platform: NodeJS.Platform;
  /** Folder of the runtime's native libraries. */
  readonly runtimeFolder: string;
  exists(path: string): boolean;
}

/** @returns why a device cannot be, as a sentence, from what lies on the disk; undefined when it may */
export function missingPartOf(device: DeviceName, parts: DeviceParts): string | undefined {
  const where = platforms[device];
  if (where !== undefined && !where.is.includes(parts.platform)) return `It exists on ${where.name} only.`;
  if (device !== 'cuda' && device !== 'tensorrt') return undefined;
  if (parts.platform !== 'linux') return undefined;
  for (const library of ['shared', device]) {
    const file = `libonnxruntime_providers_${library}.so`;
    if (!parts.exists(join(parts.runtimeFolder, file)))
      return `${file} is not installed beside the runtime; it is part of ONNX Runtime for CUDA 13, version 1.30.`;
  }
  if (!parts.exists('/proc/driver/nvidia/version'))
    return 'The NVIDIA driver is not loaded: there is no /proc/driver/nvidia/version.';
  return undefined;
}

function partsHere(): DeviceParts {
  const runtime = dirname(createRequire(import.meta.url).resolve('onnxruntime-node/package.json'));
  return {
    platform: process.platform,
    runtimeFolder: join(runtime, 'bin', 'napi-v6', process.platform, process.arch),
    exists: existsSync,
  };
}

/** Tries devices one after the other; never rejects. */
export async function probeDevices(
  devices: readonly DeviceName[] = deviceNames,
  parts: DeviceParts = partsHere(),
): Promise<DeviceProbe[]> {
  const probes: DeviceProbe[] = [];
  for (const device of devices) {
    const missing = missingPartOf(device, parts);
    probes.push(missing === undefined ? await probe(device) : { device, status: 'absent', reason: missing });
  }
  return probes;
}

const entry = join(import.meta.dirname, 'probe-device-main.ts');

async function probe(device: DeviceName): Promise<DeviceProbe> {
  const child = spawn(process.execPath, [entry, device], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  });
  let told = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-8000);
  });
  const signal = await new Promise<NodeJS.Signals | null>((done) => {
    child.once('close', (_code, ending) => done(ending));
    child.once('error', () => done(null));
  });
  const answer = answerSchema.safeParse(parseJson(told));
  if (answer.success && 'firstMs' in answer.data) return { device, status: 'ready', ...answer.data };
  const why =
    answer.success && 'failed' in answer.data
      ? answer.data.failed
      : `it ended${signal === null ? '' : ` (${signal})`}`;
  return { device, status: 'absent', reason: reasonFrom(why, errors) };
}

/**
 * What a person can do something with, out of what the runtime and the driver say: the name of a missing library goes
 * to standard error alone.
 */
export function reasonFrom(message: string, errors: string): string {
  const library = /([\w.+-]+\.so[\w.]*): cannot open shared object file/.exec(errors)?.[1];
  if (library !== undefined) return `The library ${library} is missing.`;
  if (/Failed to get a WebGPU adapter/.test(message))
    return 'There is no WebGPU adapter: no driver for Vulkan, Metal or Direct3D 12 that fits.';
  if (/backend not found|no available backend/.test(message)) return 'The runtime was built without it.';
  const line = message.split('\n')[0]?.replace(/\/\S+\//g, '') ?? '';
  return `A small graph did not run: ${line.length > 200 ? `${line.slice(0, 199)}…` : line}${line.endsWith('.') ? '' : '.'}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
