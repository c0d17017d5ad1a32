import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, it } from 'vitest';
import { hasProcessGroups } from './process-group.ts';
import { forkRunner } from './runner-process.ts';

/** Starts a program that calls back at the port it is given and then never ends by itself. */
const startsProgram = `
  import { spawn } from 'node:child_process';
  const program = "require('node:net').connect(Number(process.argv[1]), '127.0.0.1'); setInterval(() => {}, 1000)";
  spawn(process.execPath, ['-e', program, process.argv[2]], { stdio: 'ignore' });
  setInterval(() => {}, 1000);
`;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-runner-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it.skipIf(!hasProcessGroups)(
  'what a runner started ends with it, also when something else ended it',
  async () => {
    const entry = join(folder, 'starts-program.mjs');
    await writeFile(entry, startsProgram);
    const calls = createServer().listen(0, '127.0.0.1');
    try {
      await once(calls, 'listening');
      const { port }: Pick<AddressInfo, 'port'> = Object(calls.address());
      const called = once(calls, 'connection');
      const exited = Promise.withResolvers<void>();
      const runner = forkRunner({ entry, args: [String(port)] })({
        onMessage: () => {},
        onBadMessage: () => {},
        onExit: () => exited.resolve(),
      });
      const [call]: Socket[] = await called;
      if (runner.pid === undefined || call === undefined) throw new Error('the runner was not started');
      call.on('error', () => {});
      call.resume();
      const hungUp = once(call, 'close');
      // The process alone, as the system ends one for lack of memory.
      process.kill(runner.pid, 'SIGKILL');
      await exited.promise;
      await hungUp;
    } finally {
      calls.close();
    }
  },
);
