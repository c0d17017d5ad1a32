/**
 * The shipped denoise node in an engine with a store: aborted after any step and run again, in the same process or
 * another, it gives the very latent of an undisturbed run and asks the model for the remaining steps only.
 *
 *   model ─> latent ─> noise ─> denoise ─> keep        (steps: scheduler; prompt: text-encode)
 */
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createEngine, type Engine } from '@reelgraph/engine';
import { parseWorkflowValue, type RunEvent, type Workflow } from '@reelgraph/graph';
import { defineNode, type Latent, type ModelService } from '@reelgraph/node-api';
import { createFakeFiles, createFakeMedia, createFakeModels } from '@reelgraph/node-api/testing';
import { builtinNodes } from '@reelgraph/nodes';
import { openStore, type Store } from '@reelgraph/store';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../support/server.ts';

const steps = 8;

let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => {
  scratch = await temporaryFolder();
});
afterEach(async () => {
  await rm(scratch.path, { recursive: true, force: true, maxRetries: 5 });
});

interface Process {
  /** Runs the workflow; with `abortAfter` it is cancelled when the model was asked that often. */
  run(
    workflow: Workflow,
    abortAfter?: number,
  ): Promise<{ status: string; latent: Latent | undefined; events: RunEvent[]; warnings: string[] }>;
  /** Calls of the model since the last time it was asked. */
  calls(): number;
  close(): void;
}

/** An engine on the data folder, as a fresh process would open it. */
async function startProcess(folder: string): Promise<Process> {
  let asked = 0;
  let power = { left: Number.POSITIVE_INFINITY, off: () => {} };
  const fake = createFakeModels();
  // The answer bends with the sample, so that a step left out or done twice shows.
  const models: ModelService = {
    ...fake,
    async denoise(ref, request, signal) {
      if (power.left === 0) power.off();
      signal.throwIfAborted();
      power.left -= 1;
      asked += 1;
      const answers = await fake.denoise(ref, request, signal);
      return answers.map((one) => ({ ...one, data: one.data.map((v, i) => v + Math.sin(3 * v + i)) }));
    },
  };
  let kept: Latent | undefined;
  const keep = defineNode({
    type: 'keep',
    version: 1,
    title: 'Keep',
    description: 'Hands the latent to the test.',
    category: 'Test',
    inputs: { latent: { type: 'latent', label: 'Latent', description: '' } },
    outputs: {},
    params: {},
    isOutput: true,
    cache: 'none',
    lane: 'cpu',
    run({ inputs }) {
      kept = inputs.latent;
      return {};
    },
  });
  const store: Store = await openStore(folder);
  const engine: Engine = createEngine({
    registry: new Map([...builtinNodes, [keep.type, keep]]),
    store,
    models,
    media: createFakeMedia(),
    files: createFakeFiles(() => Promise.reject(new Error('there are no files'))),
  });
  return {
    async run(workflow, abortAfter = Number.POSITIVE_INFINITY) {
      const controller = new AbortController();
      const events: RunEvent[] = [];
      const warnings: string[] = [];
      kept = undefined;
      power = { left: abortAfter, off: () => controller.abort(new Error('the power went off')) };
      const result = await engine.run({
        runId: 'run',
        workflow,
        signal: controller.signal,
        onWarning: ({ code }) => warnings.push(code),
        onEvent: (event) => events.push(event),
      });
      return { status: result.status, latent: kept, events, warnings };
    },
    calls() {
      const count = asked;
      asked = 0;
      return count;
    },
    close: () => store.close(),
  };
}

function document(sampler: string, seed = '7'): Workflow {
  const node = (type: string, params = {}) => ({ type, version: 1, params });
  const edge = (from: string, port: string, ...to: string[]) =>
    to.map((id) => ({ from: [from, port], to: [id, port] }));
  const parsed = parseWorkflowValue({
    reelgraph: 1,
    name: 'Checkpoints',
    description: '',
    inputs: {},
    outputs: {},
    nodes: {
      model: node('load-model', { model: 'fake' }),
      prompt: node('text-encode', { prompt: 'a red circle', negativePrompt: 'blurry' }),
      latent: node('empty-latent', { frames: 9, width: 32, height: 32 }),
      noise: node('noise', { seed }),
      scheduler: node('scheduler', { steps, shift: 3 }),
      denoise: node('denoise', { guidanceScale: 3, sampler }),
      keep: node('keep'),
    },
    edges: [
      ...edge('model', 'model', 'prompt', 'latent', 'denoise'),
      ...edge('latent', 'latent', 'noise', 'denoise'),
      ...edge('noise', 'noise', 'denoise'),
      ...edge('prompt', 'positive', 'denoise'),
      ...edge('prompt', 'negative', 'denoise'),
      ...edge('scheduler', 'sigmas', 'denoise'),
      ...edge('denoise', 'latent', 'keep'),
    ],
    subgraphs: {},
    groups: {},
    comments: {},
    layout: { nodes: {} },
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return parsed.workflow;
}

const continuedFrom = (events: readonly RunEvent[]) =>
  events.flatMap((event) => (event.type === 'node.finished' ? (event.continuedFrom ?? []) : []));
const checkpointFiles = (folder: string) =>
  readdirSync(join(folder, 'checkpoints')).map((name) => join(folder, 'checkpoints', name));

describe.each(['euler', 'heun'] as const)('a clip whose sampling (%s) was aborted', (sampler) => {
  const callsPerStep = sampler === 'heun' ? 2 : 1;
  // Heun's last step asks once.
  const callsAfter = (done: number) => callsPerStep * (steps - done) - (callsPerStep - 1);

  it.each([
    [1, 'the same process'],
    [5, 'the same process'],
    [1, 'another process'],
    [5, 'another process'],
    [steps - 1, 'another process'],
  ])('after step %i is finished in %s to the very bytes', async (done, where) => {
    const whole = await startProcess(join(scratch.path, 'undisturbed'));
    const undisturbed = await whole.run(document(sampler));
    expect(whole.calls()).toBe(callsAfter(0));
    whole.close();

    const folder = join(scratch.path, 'disturbed');
    let process = await startProcess(folder);
    const aborted = await process.run(document(sampler), done * callsPerStep);
    expect(aborted.status).toBe('cancelled');
    process.calls();
    if (where === 'another process') {
      process.close();
      process = await startProcess(folder);
    }
    const finished = await process.run(document(sampler));
    expect(finished.latent).toEqual(undisturbed.latent);
    expect(process.calls(), 'only the steps that were left').toBe(callsAfter(done));
    expect(continuedFrom(finished.events)).toEqual([done]);
    process.close();
  });
});

describe('a checkpoint', () => {
  const harm: Record<string, (path: string) => void> = {
    'was truncated': (path) => truncateSync(path, readFileSync(path).byteLength - 1),
    'has a flipped bit': (path) => {
      const bytes = readFileSync(path);
      bytes[bytes.byteLength - 100] = bytes[bytes.byteLength - 100]! ^ 1;
      writeFileSync(path, bytes);
    },
    'is something else': (path) => writeFileSync(path, 'something else'),
  };
  it.each(Object.entries(harm))('that %s is not used: the clip is sampled anew', async (_, damage) => {
    const whole = await startProcess(join(scratch.path, 'undisturbed'));
    const undisturbed = await whole.run(document('euler'));
    whole.close();
    const folder = join(scratch.path, 'disturbed');
    const process = await startProcess(folder);
    await process.run(document('euler'), 3);
    process.calls();
    for (const path of checkpointFiles(folder)) damage(path);
    const again = await process.run(document('euler'));
    expect(again.latent).toEqual(undisturbed.latent);
    expect(process.calls()).toBe(steps);
    expect(again.warnings).toEqual(['store/checkpoint-unusable']);
    expect(continuedFrom(again.events)).toEqual([]);
    process.close();
  });

  it('of another seed is none of this clip', async () => {
    const process = await startProcess(join(scratch.path, 'data'));
    await process.run(document('euler', '7'), 3);
    process.calls();
    const other = await process.run(document('euler', '8'));
    expect(process.calls()).toBe(steps);
    expect(continuedFrom(other.events)).toEqual([]);
    process.close();
  });
});
