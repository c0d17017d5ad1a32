/**
 * Opens graphs in a process that may die of it: a file that crashes the runtime, fills memory or is never done with
 * costs that process and nothing else. Files pass `checkGraphFile` before they come here.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { checkGraphFile } from './graph-file.ts';

/** How a graph behaved when it was opened. */
export type Opening =
  | { readonly kind: 'opened'; readonly openMs: number }
  /** `message` goes on after the file's name. `isFinal`: it would go the same way again. */
  | { readonly kind: 'refused'; readonly message: string; readonly isFinal: boolean };

export interface OpenInChildOptions {
  /** For one graph; more for larger files, see `timeFor`. */
  readonly timeoutMs?: number;
  /** Address space of the process; more for larger files, see `memoryFor`. */
  readonly memoryBytes?: number;
  readonly signal?: AbortSignal;
}

const mebibyte = 2 ** 20;
const gibibyte = 2 ** 30;

/** A disk that gives 50 MB/s, and half a minute for the rest. */
const timeFor = (byteLength: number) => 30_000 + byteLength / ((50 * mebibyte) / 1000);
/** What the program and the runtime take for themselves, and weights that are turned into another format on the way. */
const memoryFor = (byteLength: number) => 6 * gibibyte + 3 * byteLength;

const lineSchema = z.union([
  z.strictObject({ opening: z.string() }),
  z.strictObject({ opened: z.string(), openMs: z.number() }),
  z.strictObject({ failed: z.string() }),
]);

/**
 * Opens each of the graphs, one after the other, and tells how it went, by path. Never rejects for what a file does.
 *
 * @throws the signal's reason on abort
 */
export async function openInChild(
  paths: readonly string[],
  options: OpenInChildOptions = {},
): Promise<ReadonlyMap<string, Opening>> {
  const openings = new Map<string, Opening>();
  let left = [...paths];
  while (left.length > 0) {
    options.signal?.throwIfAborted();
    await openUntilItEnds(left, openings, options);
    const before = left.length;
    left = left.filter((path) => !openings.has(path));
    // It ended before the first of them: the fault is not theirs, but nothing was opened either.
    if (left.length === before)
      for (const path of left)
        openings.set(path, ended('could not be tried: the process did not start', false));
  }
  return openings;
}

function ended(message: string, isFinal: boolean): Opening {
  return { kind: 'refused', message, isFinal };
}

/** Of the graph and of the weights beside it. */
async function bytesOf(path: string): Promise<number> {
  const { externalFiles } = await checkGraphFile(path).catch(() => ({ externalFiles: [] }));
  const files = [path, ...externalFiles.map((file) => join(dirname(path), file))];
  const found = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return found.reduce((sum, file) => sum + (file?.size ?? 0), 0);
}

/** One process, until it has opened all of them or one of them ended it. */
async function openUntilItEnds(
  paths: readonly string[],
  openings: Map<string, Opening>,
  { timeoutMs, memoryBytes, signal }: OpenInChildOptions,
): Promise<void> {
  const sizes = await Promise.all(paths.map(bytesOf));
  const child = start(paths, memoryBytes ?? memoryFor(Math.max(...sizes)));
  let current: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isLate = false;
  const stop = () => void child.kill('SIGKILL');
  const wait = (ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isLate = true;
      stop();
    }, ms);
  };
  const timeOf = (path: string) => timeoutMs ?? timeFor(sizes[paths.indexOf(path)] ?? 0);
  wait(30_000);
  signal?.addEventListener('abort', stop, { once: true });
  let errors = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    errors = (errors + text).slice(-4000);
  });
  const closed = new Promise<NodeJS.Signals | null>((done) => {
    child.once('close', (_code, ending) => done(ending));
    child.once('error', () => done(null));
  });
  try {
    if (child.stdout !== null) {
      for await (const text of createInterface({ input: child.stdout })) {
        const line = lineSchema.safeParse(parseJson(text));
        if (!line.success) continue;
        if ('opening' in line.data) {
          current = line.data.opening;
          wait(timeOf(current));
        } else if (current !== undefined) {
          openings.set(
            current,
            'opened' in line.data
              ? { kind: 'opened', openMs: line.data.openMs }
              : ended('could not be opened as an ONNX graph', true),
          );
          current = undefined;
        }
      }
    }
    const ending = await closed;
    signal?.throwIfAborted();
    if (current === undefined || openings.has(current)) return;
    if (isLate) {
      const seconds = Math.round(timeOf(current) / 1000);
      openings.set(current, ended(`was not open after ${seconds} s, and was given up`, false));
    } else if (/bad_alloc|out of memory|Cannot allocate/i.test(errors)) {
      openings.set(current, ended('takes more memory to open than its size allows', true));
    } else {
      const how = ending === null ? '' : ` (${ending})`;
      openings.set(current, ended(`ended the process that opened it${how}`, true));
    }
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', stop);
    stop();
  }
}

const entry = join(import.meta.dirname, 'open-in-child-main.ts');

/** The shell sets the limit, which the system then holds; where there is none, time alone is limited. */
function start(paths: readonly string[], memoryBytes: number): ChildProcess {
  // Without the flag V8 reserves more addresses for WebAssembly, which strips our types, than all the rest takes.
  const command = [process.execPath, '--disable-wasm-trap-handler', entry, ...paths];
  const options = {
    stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'],
    // Nothing of ours is to be had in there: no tokens, no keys.
    env: { PATH: process.env.PATH ?? '', ORT_DISABLE_TELEMETRY: '1', NODE_OPTIONS: '' },
  };
  if (process.platform === 'win32') return spawn(command[0] ?? '', command.slice(1), options);
  const script = 'ulimit -c 0; ulimit -v "$1" 2>/dev/null; shift; exec "$@"';
  return spawn('/bin/sh', ['-c', script, 'sh', String(Math.ceil(memoryBytes / 1024)), ...command], options);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
