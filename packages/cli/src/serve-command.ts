/** `reelgraph serve`: the server as a child process, with this command's arguments. */
import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { join } from 'node:path';
import { exitCodes } from './exit-codes.ts';
import { projectRoot } from './places.ts';

/** Runs the server until it ends and answers its exit code; 128 + n when signal n ended it, as shells have it. */
export function serveCommand(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [join(projectRoot, 'server', 'src', 'main.ts'), ...args], {
    stdio: 'inherit',
  });
  // A terminal sends Ctrl-C to both; a signal from elsewhere reaches only this process.
  process.on('SIGINT', () => {
    if (!process.stdin.isTTY) child.kill('SIGINT');
  });
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((ended, failed) => {
    child.once('error', failed);
    child.once('exit', (code, signal) => ended(code ?? exitCodeOfSignal(signal)));
  });
}

function exitCodeOfSignal(signal: NodeJS.Signals | null): number {
  return signal === null ? exitCodes.runFailed : 128 + constants.signals[signal];
}
