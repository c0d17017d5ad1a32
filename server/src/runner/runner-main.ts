/**
 * Entry of the runner process: connects its IPC channel to a run host. It serves one run at a time and ends
 * when the server is gone.
 */
import { createRunHost, type RunHost, type RunHostOptions } from '@reelgraph/host';
import { type FromRunner, parseToRunner, type ToRunner } from '@reelgraph/protocol';
import { z } from 'zod';
import { createLivePlayers } from './live-players.ts';

const optionsSchema: z.ZodType<RunHostOptions> = z.object({
  dataFolder: z.string(),
  inputRoots: z.array(z.object({ folder: z.string(), prefix: z.string().exactOptional() })),
  modelRoots: z.array(z.string()),
});

function send(message: FromRunner): void {
  // Without the callback a channel that just closed would throw; `disconnect` then ends the process.
  process.send?.(message, undefined, undefined, () => {});
}

function serve(host: RunHost): void {
  const players = createLivePlayers({ open: host.openLive, send });
  let current: { readonly runId: string; readonly abort: AbortController } | undefined;

  async function run(message: Extract<ToRunner, { type: 'run' }>): Promise<void> {
    const abort = new AbortController();
    current = { runId: message.runId, abort };
    await host.run({
      runId: message.runId,
      workflow: message.workflow,
      ...(message.targets === undefined ? {} : { targets: message.targets }),
      signal: abort.signal,
      onEvent: (event) => send({ type: 'event', event }),
      onPreview: (preview) => send({ type: 'preview', preview }),
      onWarning: ({ nodeId, ...problem }) => send({ type: 'warning', runId: message.runId, nodeId, problem }),
    });
    current = undefined;
  }

  process.on('message', (value: unknown) => {
    const message = parseToRunner(value);
    switch (message.type) {
      case 'run':
        // The engine tells failures as events; what still rejects is a fault of ours, and a crash says so.
        void run(message);
        return;
      case 'cancel':
        if (current?.runId === message.runId) current.abort.abort();
        return;
      case 'live.open':
      case 'live.act':
      case 'live.close':
        players.receive(message);
        return;
      case 'shutdown':
        // A run in the middle of native code is not waited for: the next server takes it up.
        if (current !== undefined) endNow();
        void host.close().finally(endNow);
    }
  });
}

/** Native code may be in flight, and an orderly exit would wait for it or crash in it. */
function endNow(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable: the process is gone');
}

process.on('disconnect', endNow);
// Ctrl-C reaches the whole group; the server decides when its runner ends.
process.on('SIGINT', () => {});

const options = optionsSchema.parse(JSON.parse(process.argv[2] ?? ''));
serve(await createRunHost(options));
// The server may have gone while we were starting, before anybody listened for it.
if (!process.connected) endNow();
send({ type: 'ready' });
