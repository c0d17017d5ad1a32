/** `reelgraph serve`: the server as a child process, with this command's arguments. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { projectRoot } from './places.ts';

/** Runs the server until it ends and answers its exit code. */
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
    child.once('exit', (code) => ended(code ?? 0));
  });
}
