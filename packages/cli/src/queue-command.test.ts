/** The queue commands against a real server whose queue is paused, so that nothing is computed. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTraceSchema } from '@reelgraph/graph';
import { createServer, type RunningServer } from '@reelgraph/server';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CliError } from './errors.ts';
import { projectRoot } from './places.ts';
import { moveTargetOf, parsePriority, progressOf, type QueueCommand, queueCommand } from './queue-command.ts';
import { traceCommand } from './trace-command.ts';

const textToVideo = join(projectRoot, 'workflows/text-to-video.json');
let dataFolder: string;
let server: RunningServer;

beforeAll(async () => {
  dataFolder = await mkdtemp(join(tmpdir(), 'reelgraph-cli-queue-'));
  server = await createServer({
    dataFolder,
    port: 0,
    host: '127.0.0.1',
    uiFolder: join(dataFolder, 'no-editor'),
    workflowsFolder: join(projectRoot, 'workflows'),
    // Never ready, so nothing is begun.
    startRunner: (listener) => ({
      pid: undefined,
      send: () => {},
      kill: () => listener.onExit({ code: 0, signal: null, stderrTail: '' }),
    }),
  });
});
afterAll(async () => {
  await server.close();
  await rm(dataFolder, { recursive: true, force: true });
});

async function ask(command: QueueCommand, json = false): Promise<string> {
  let text = '';
  const output = {
    columns: undefined,
    write: (part: string) => {
      text += part;
    },
  };
  expect(await queueCommand(command, { server: server.address, json }, output)).toBe(0);
  return text;
}
const add = async (priority = 0, set: string[] = []) =>
  /as (\w+)/.exec(await ask({ kind: 'add', file: textToVideo, set, priority }))?.[1] ?? '';

it('a queue is filled, ordered, looked at and emptied from a terminal', async () => {
  expect(await ask({ kind: 'list' })).toBe('Nothing waits.\n');
  expect(await ask({ kind: 'history' })).toBe('No run has ended yet.\n');
  expect(await ask({ kind: 'pause' })).toMatch(/^Paused/);
  const [a, b, c] = [await add(), await add(0, ['seed=7']), await add(5)];
  expect(await ask({ kind: 'move', run: b, target: { to: 'front' } })).toBe(
    [
      `${c}  waits (priority 5)  Text to video`,
      `${b}  waits  Text to video`,
      `${a}  waits  Text to video`,
      'The queue is paused; "reelgraph queue resume" goes on.',
      '',
    ].join('\n'),
  );
  expect(await ask({ kind: 'cancel', runs: [a] })).toBe(`${a} is cancelled.\n`);
  expect(await ask({ kind: 'history' })).toBe(`${a}  cancelled  Text to video\n`);
  const retried = /as (\w+)/.exec(await ask({ kind: 'retry', run: a }))?.[1] ?? '';
  const again = JSON.parse(await ask({ kind: 'again', run: b, set: ['seed=8'] }, true));
  const queue = JSON.parse(await ask({ kind: 'list' }, true));
  const ids = queue.next.map(({ runId }: { runId: string }) => runId.slice(0, 8));
  expect(ids).toEqual([c, b, retried, again.runId.slice(0, 8)]);
  expect(await ask({ kind: 'cancel-all' })).toBe('Cancelled 4 runs.\n');
  await expect(ask({ kind: 'retry', run: 'zzz' })).rejects.toThrow(/No run has an id/);
  await expect(ask({ kind: 'again', run: b, set: ['sed=8'] })).rejects.toMatchObject({
    code: 'workflow/invalid',
  });
});

it('a run is looked at', async () => {
  const run = await add();
  expect(await ask({ kind: 'show', run })).toBe(`${run}  queued  Text to video\n`);
});

it('the timeline of a run is written to a file, or to standard output', async () => {
  const run = await add();
  const path = join(dataFolder, 'run.trace.json');
  let text = '';
  const output = {
    columns: undefined,
    write: (part: string) => {
      text += part;
    },
  };
  expect(await traceCommand(run, { out: path, server: server.address }, output)).toBe(0);
  expect(text).toContain(path);
  text = '';
  await traceCommand(run, { server: server.address }, output);
  expect(text).toBe(await readFile(path, 'utf8'));
  expect(runTraceSchema.parse(JSON.parse(text)).otherData).toMatchObject({ workflowName: 'Text to video' });
  const nowhere = { out: join(dataFolder, 'no', 'folder'), server: server.address };
  await expect(traceCommand(run, nowhere, output)).rejects.toMatchObject({ code: 'cli/not-written' });
  await expect(traceCommand('zzz', nowhere, output)).rejects.toMatchObject({ code: 'cli/unknown-run' });
});

it.each([[{}], [{ front: true, back: true }], [{ before: 'a', priority: '3' }]])(
  'a move is to one place: %j is refused',
  (options) => {
    expect(() => moveTargetOf(options)).toThrow(CliError);
  },
);

it('a place is what was said', () => {
  expect(moveTargetOf({ front: true })).toEqual({ to: 'front' });
  expect(moveTargetOf({ after: 'x' })).toEqual({ after: 'x' });
  expect(moveTargetOf({ priority: '-5' })).toEqual({ priority: -5 });
  expect(() => parsePriority('high')).toThrow(CliError);
  expect(() => parsePriority('101')).toThrow(CliError);
});

it('a run that is begun again after a restart does not tell how far it was before', () => {
  const nodes = { text: { status: 'finished' }, denoise: { status: 'waiting' } } as const;
  expect(progressOf({ nodes })).toBe(' (starting again)');
  expect(progressOf({ nodes: {} })).toBe(' (starting)');
  expect(progressOf({ nodes, startedAtMs: Date.now() })).toMatch(/^ \(1\/2 nodes, /);
});
