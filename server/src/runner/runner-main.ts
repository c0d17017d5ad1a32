/**
 * Entry of the runner process: connects its IPC channel to a run host. It serves one run at a time and ends
 * when the server is gone.
 */
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { RunEvent } from '@reelgraph/graph';
import { createRunHost, type RunHost, type RunHostOptions } from '@reelgraph/host';
import { type FromRunner, parseToRunner, type ToRunner } from '@reelgraph/protocol';
import { z } from 'zod';
import { createLivePlayers } from './live-players.ts';
import { endGroupNow } from './process-group.ts';

const optionsSchema: z.ZodType<RunHostOptions> = z.object({
  dataFolder: z.string(),
  inputRoots: z.array(z.object({ folder: z.string(), prefix: z.string().exactOptional() })),
  modelRoots: z.array(z.string()),
  nodeModules: z.array(z.string()),
});

/** How often it says that it is alive. */
const aliveEveryMs = 500;
/** What a run leaves behind, a step of a model above all, gets this long to end. */
const restMs = 400;
const lookAgainMs = 5;

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
      onEvent: (event) => {
        if (event.type === 'run.finished') void tellEnd(event);
        else send({ type: 'event', event });
      },
      onPreview: (preview) => send({ type: 'preview', preview }),
      onWarning: ({ nodeId, ...problem }) => send({ type: 'warning', runId: message.runId, nodeId, problem }),
    });
    current = undefined;
  }

  /** A run is over when nothing of it goes on: what was cancelled or given up may still be in native code. */
  async function tellEnd(event: RunEvent): Promise<void> {
    // The engine notes what the run took and holds in the same turn; the next run is looked at with that.
    await setImmediate();
    const until = performance.now() + restMs;
    while (host.hasLeftovers() && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
    if (host.hasLeftovers()) send({ type: 'spent' });
    send({ type: 'event', event });
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
        if (current !== undefined) endGroupNow();
        void host.close().finally(endGroupNow);
    }
  });
}

process.on('disconnect', endGroupNow);
new Worker(new URL('orphan-watch.ts', import.meta.url), { name: 'orphan-watch' }).unref();
// Where it has no group of its own, Ctrl-C reaches it too; the server decides when its runner ends.
process.on('SIGINT', () => {});

const options = optionsSchema.parse(JSON.parse(process.argv[2] ?? ''));
serve(await createRunHost(options));
// The server may have gone while we were starting, before anybody listened for it.
if (!process.connected) endGroupNow();
send({ type: 'ready' });
setInterval(() => send({ type: 'alive' }), aliveEveryMs);
