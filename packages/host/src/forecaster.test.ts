import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyInputs, parseWorkflow, type Workflow } from '@reelgraph/graph';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createRunHost, type RunHost } from './run-host.ts';

/** A drawn clip: no model is needed. */
const template = new URL('../../../workflows/ground-truth-scene.json', import.meta.url);
const gibibyte = 1024 ** 3;
const pid = 424_242;

let folder: string;
let host: RunHost;
let workflow: Workflow;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-forecaster-'));
  host = await createRunHost({ dataFolder: folder, inputRoots: [], modelRoots: [] });
  const parsed = parseWorkflow(await readFile(template, 'utf8'));
  if (!parsed.ok) throw new Error('the template cannot be read');
  workflow = withFrames(parsed.workflow, 9);
  await host.run({ workflow, signal: new AbortController().signal, onEvent: () => {} });
  // As if a server's runner had grown since.
  const note = JSON.parse(host.store.readNote('costs') ?? '');
  note.processes = [{ pid, heldBytes: 10 * gibibyte, warm: [] }];
  host.store.writeNote('costs', JSON.stringify(note));
  workflow = withFrames(workflow, 17);
});
afterAll(async () => {
  await host?.close();
  await rm(folder, { recursive: true, force: true });
});

function withFrames(of: Workflow, frames: number): Workflow {
  const applied = applyInputs(of, { frames }, host.catalogue.typesByName);
  if (!applied.ok) throw new Error('the template takes no such number of frames');
  return applied.workflow;
}

it('what earlier runs left in a process is no reason against a run that fits into a fresh one', async () => {
  const warm = await host.forecaster.forecast(workflow, { pid });
  expect(warm).toMatchObject({ ok: true, forecast: { peakBytes: { likely: 10 * gibibyte } } });
  const fits = await host.forecaster.estimate(workflow, { memoryBytes: 4 * gibibyte }, { pid });
  expect(fits).toMatchObject({ refusal: undefined, needsFreshProcess: true });
  expect(fits.result).toEqual(await host.forecaster.forecast(workflow));
});

it('within the budget the process stays, with what it has open', async () => {
  const fits = await host.forecaster.estimate(workflow, { memoryBytes: 11 * gibibyte }, { pid });
  expect(fits).toMatchObject({ refusal: undefined, needsFreshProcess: false });
  expect(fits.result).toEqual(await host.forecaster.forecast(workflow, { pid }));
});

it('what does not fit into a fresh process either is refused', async () => {
  const note = JSON.parse(host.store.readNote('costs') ?? '');
  const hungry = note.kinds.map(([kind, samples]: [string, readonly { readonly work?: object }[]]) => [
    kind,
    samples.map((sample) =>
      sample.work === undefined
        ? sample
        : { ...sample, memory: { restBytes: gibibyte, peakBytes: 6 * gibibyte } },
    ),
  ]);
  host.store.writeNote('costs', JSON.stringify({ ...note, kinds: hungry }));
  const { refusal } = await host.forecaster.estimate(workflow, { memoryBytes: 4 * gibibyte }, { pid });
  expect(refusal?.message).toMatch(/it would need .* of memory, the budget is 4\.0 GiB/);
});
