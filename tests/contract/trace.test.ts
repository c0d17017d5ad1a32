/** Timelines keep the rules of the Trace Event Format, whatever happens in a run and whoever writes them. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@reelgraph/client';
import { type RunEvent, type RunEventBody, type RunTrace, runTraceSchema, traceRun } from '@reelgraph/graph';
import { expect, it } from 'vitest';
import { textToVideo } from '../bench/workflow.ts';
import { runCli } from '../support/cli.ts';
import { createRandom } from '../support/random.ts';
import { runToEnd } from '../support/runs.ts';
import { projectRoot, startServer, temporaryFolder } from '../support/server.ts';
import { traceFaults } from '../support/trace-faults.ts';

/** A run in which much goes wrong: lanes of several places, waits, failures, deaths, a clock that is set back. */
function story(seed: number): RunEvent[] {
  const random = createRandom(seed);
  const events: RunEvent[] = [];
  let atMs = 1_700_000_000_000;
  const happen = (body: RunEventBody): void => {
    atMs += random.pick([0, 0, 0, 1, 2, 30, 1000, -5]);
    events.push({ ...body, runId: 'r', seq: events.length + 1, atMs });
  };
  const nodeIds = Array.from({ length: 1 + random.below(12) }, (_, index) => `n${index}`);
  happen({ type: 'run.queued', workflowName: 'Story' });
  const attempts = 1 + random.below(3);
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    if (random.below(4) === 0) happen({ type: 'run.moved', priority: 1, rank: 1 });
    happen({ type: 'run.assigned', attempt });
    happen({ type: 'run.started', nodeIds });
    const waiting = [...nodeIds];
    const atWork = new Map<string, number>();
    while (waiting.length + atWork.size > 0 && random.below(30) > 0) {
      const [busy] = atWork.keys();
      if (busy !== undefined && (waiting.length === 0 || random.below(2) === 0)) {
        const durationMs = Math.max(0, atMs - (atWork.get(busy) ?? atMs)) + random.pick([0, 0.25, 0.9, 50]);
        atWork.delete(busy);
        const error = { code: 'x/y', message: 'No.' };
        if (random.below(5) === 0) happen({ type: 'node.failed', nodeId: busy, error });
        else happen({ type: 'node.finished', nodeId: busy, durationMs, outputs: {} });
        continue;
      }
      const nodeId = waiting.shift() ?? '';
      if (random.below(4) === 0) happen({ type: 'node.waiting', nodeId, for: 'another-run' });
      const lane = random.pick(['cpu', 'inference:cpu', 'inference:cuda']);
      const fate = random.below(6);
      if (fate === 0) happen({ type: 'node.cached', nodeId, source: 'disk', outputs: {} });
      else if (fate === 1) happen({ type: 'node.skipped', nodeId, because: 'x' });
      else {
        happen({
          type: 'node.started',
          nodeId,
          lane,
          ...(fate > 3 ? { waitedMs: 1 + random.below(5000) } : {}),
        });
        atWork.set(nodeId, atMs);
      }
    }
    if (attempt === attempts) break;
    const error = { code: 'runner/died', message: 'It died.' };
    happen(
      random.below(2) === 0 ? { type: 'run.released' } : { type: 'run.interrupted', by: 'runner', error },
    );
  }
  if (random.below(4) > 0)
    happen({ type: 'run.finished', status: random.pick(['failed', 'cancelled']), durationMs: 5 });
  return events;
}

it('a thousand runs at random, and each as it was in the middle', () => {
  for (let seed = 0; seed < 1000; seed += 1) {
    const events = story(seed);
    for (const length of [events.length, seed % events.length]) {
      const trace = traceRun(events.slice(0, length));
      expect(traceFaults(trace), `seed ${seed}, ${length} events`).toEqual([]);
    }
  }
});

it('what is wrong is found', () => {
  const named = {
    name: 'thread_name',
    cat: '',
    ph: 'M',
    ts: 0,
    pid: 1,
    tid: 1,
    args: { name: 'cpu' },
  } as const;
  const slice = { name: 'a', cat: '', ph: 'X', ts: 5, dur: 10, pid: 1, tid: 1 } as const;
  const faultsOf = (...traceEvents: RunTrace['traceEvents']) =>
    traceFaults({ traceEvents: [named, ...traceEvents], displayTimeUnit: 'ms', otherData: {} });
  expect(faultsOf(slice, { ...slice, ts: 8, dur: 3 })).toEqual([]);
  for (const wrong of [
    [slice, { ...slice, ts: 8 }],
    [slice, { ...slice, ts: 4, dur: 1 }],
    [{ ...slice, dur: 0 }],
    [{ ...slice, tid: 2 }],
    [{ ...slice, name: '' }],
    [{ ...slice, ph: 'b', id: '1' }],
    [{ ...slice, ph: 'e', id: '1' }],
    [named],
  ] as const)
    expect(faultsOf(...wrong), JSON.stringify(wrong)).toHaveLength(1);
});

it('that of a real run, from the command line and from a server, with lanes by their device', async () => {
  const scratch = await temporaryFolder();
  const server = await startServer({ dataFolder: join(scratch.path, 'server') });
  try {
    const path = join(scratch.path, 'run.trace.json');
    const { code, stdout } = await runCli([
      ...['run', join(projectRoot, 'workflows/text-to-video.json'), '--set', 'steps=2', '--trace', path],
      ...['--out', join(scratch.path, 'clip.mp4'), '--data', join(scratch.path, 'data')],
    ]);
    expect([code, stdout]).toEqual([0, expect.stringContaining(path)]);
    const ofCli = runTraceSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    const client = createClient({ baseUrl: server.baseUrl });
    const { state } = await runToEnd(client, textToVideo({ 'scheduler.steps': 2 }));
    const ofServer = await client.getRunTrace(state.runId);
    for (const trace of [ofCli, ofServer]) {
      expect(traceFaults(trace)).toEqual([]);
      const threads = trace.traceEvents.flatMap(({ name, tid, args }) =>
        name === 'thread_name' ? [[tid, String(args?.name)] as const] : [],
      );
      const denoise = trace.traceEvents.find(({ name, ph }) => name === 'denoise' && ph === 'X');
      expect(new Map(threads).get(denoise?.tid ?? 0)).toMatch(/^inference:\w+/);
    }
  } finally {
    await server.stop();
    await scratch.dispose();
  }
}, 120_000);
