/** A real server as a user starts it: its own process, its own port, its own data folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

export const projectRoot = resolve(import.meta.dirname, '../..');

export interface RunningServer {
  readonly baseUrl: string;
  readonly dataFolder: string;
  readonly process: ChildProcess;
  /** All it printed so far, for a failing test to show. */
  log(): string;
  /** Stops the process; the data folder stays for a later server. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** A folder that is deleted by `dispose`. */
export async function temporaryFolder(): Promise<{ path: string; dispose: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'reelgraph-e2e-'));
  return { path, dispose: () => rm(path, { recursive: true, force: true }) };
}

/** Starts `server/src/main.ts`, or another entry, on a free port and waits for the address it prints. */
export async function startServer(options: {
  dataFolder: string;
  entry?: string;
  /** Told at once, for who will not wait until it is ready. */
  onSpawn?: (child: ChildProcess) => void;
  env?: Record<string, string>;
  args?: string[];
}): Promise<RunningServer> {
  const child = spawn(
    process.execPath,
    [
      options.entry ?? join(projectRoot, 'server/src/main.ts'),
      '--port',
      '0',
      '--data',
      options.dataFolder,
      ...(options.args ?? []),
    ],
    { cwd: projectRoot, env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  options.onSpawn?.(child);
  const lines: string[] = [];
  const address = await new Promise<string>((found, failed) => {
    const read = (line: string) => {
      lines.push(line);
      const match = /http:\/\/127\.0\.0\.1:\d+/.exec(line);
      if (match) found(match[0]);
    };
    createInterface({ input: child.stdout }).on('line', read);
    createInterface({ input: child.stderr }).on('line', read);
    child.once('exit', (code) =>
      failed(new Error(`the server ended with code ${code} before it was ready:\n${lines.join('\n')}`)),
    );
    child.once('error', failed);
  });
  return {
    baseUrl: address,
    dataFolder: options.dataFolder,
    process: child,
    log: () => lines.join('\n'),
    stop: async (signal = 'SIGTERM') => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}
