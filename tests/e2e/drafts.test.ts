/**
 * Draft, choose, finish, as the shipped workflow does it with the embedded model: the finished take has the
 * frames of the clip that nobody stopped, and choosing another one computes only what that one has left.
 */
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileSummary, RunEvent, Workflow } from '@reelgraph/graph';
import { createRunHost, dataFolderAt, modelRootsOf, type RunHost } from '@reelgraph/host';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { shippedWorkflow, textToVideo } from '../bench/workflow.ts';
import { frameHashes } from '../support/runs.ts';
import { temporaryFolder } from '../support/server.ts';

const steps = 6;
const draftSteps = 2;
const seeds = { 1: '42', 2: '43', 3: '44', 4: '45' } as const;

let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
let host: RunHost;
beforeAll(async () => {
  scratch = await temporaryFolder();
  const dataFolder = join(scratch.path, 'data');
  const inputsFolder = join(scratch.path, 'inputs');
  await mkdir(inputsFolder);
  host = await createRunHost({
    dataFolder,
    inputRoots: [{ folder: inputsFolder }],
    modelRoots: modelRootsOf(dataFolderAt(dataFolder)),
  });
});
afterAll(async () => {
  await host?.close();
  await scratch?.dispose();
});

interface Made {
  /** By name of the exposed output. */
  readonly frames: Readonly<Record<string, readonly string[]>>;
  readonly ran: readonly string[];
  readonly events: readonly RunEvent[];
  readonly draft: FileSummary | undefined;
}

async function make(workflow: Workflow): Promise<Made> {
  const events: RunEvent[] = [];
  const result = await host.run({
    workflow,
    signal: AbortSignal.timeout(120_000),
    onEvent: (event) => events.push(event),
  });
  expect(result.status, JSON.stringify(result.error)).toBe('succeeded');
  const frames: Record<string, readonly string[]> = {};
  for (const [name, { file }] of result.exposed) {
    if (file?.mediaType === 'video/mp4') frames[name] = await frameHashes(host.store.blobPath(file.digest));
  }
  const ran = events.flatMap((event) => (event.type === 'node.started' ? [event.nodeId] : []));
  return { frames, ran, events, draft: result.exposed.get('draft')?.file };
}

const fourDrafts = (take: number) =>
  shippedWorkflow('draft-choose-finish', {
    'scheduler.steps': steps,
    'scheduler.stopAfter': draftSteps,
    'choose.take': take,
  });
const undisturbed = (take: keyof typeof seeds) =>
  make(textToVideo({ 'scheduler.steps': steps, 'noise.seed': seeds[take] }));

it('a chosen draft is finished to the frames of the clip that was never stopped', async () => {
  const first = await make(fourDrafts(3));
  expect(first.frames.video).toEqual((await undisturbed(3)).frames.video);
  expect(first.frames.drafts, 'four drafts of 17 frames').toHaveLength(4 * 17);
  expect(new Set(first.frames.drafts).size, 'no two drafts are the same').toBeGreaterThan(17);

  const other = await make(fourDrafts(2));
  expect(other.ran, 'the drafts are kept').toEqual(
    expect.not.arrayContaining(['draft-1', 'draft-2', 'draft-3', 'draft-4', 'look-1']),
  );
  const taken = other.events.flatMap((event) =>
    event.type === 'node.progress' && event.nodeId === 'finish' ? [event.step] : [],
  );
  expect(Math.min(...taken), 'only the steps that were left').toBe(draftSteps);
  expect(other.frames.video).toEqual((await undisturbed(2)).frames.video);
}, 180_000);

/** text-to-video whose denoising is stopped and saved. */
function savedDraft(): Workflow {
  const workflow = textToVideo({
    'scheduler.steps': steps,
    'scheduler.stopAfter': draftSteps,
    'noise.seed': '7',
  });
  const gone = ['decode', 'mux', 'save'];
  for (const id of gone) delete workflow.nodes[id];
  workflow.nodes.keep = { type: 'save-latent', version: 1, params: { name: 'draft' } };
  workflow.edges = workflow.edges.filter(({ to }) => !gone.includes(to[0]));
  workflow.edges.push({ from: ['denoise', 'latent'], to: ['keep', 'latent'] });
  return { ...workflow, inputs: {}, outputs: { draft: { node: 'keep', port: 'latent', label: 'Draft' } } };
}

/** text-to-video whose prompt, noise and plan come from a file. */
function loadedDraft(file: string): Workflow {
  const workflow = textToVideo();
  const gone = ['denoise', 'latent', 'noise', 'prompt', 'scheduler'];
  for (const id of gone) delete workflow.nodes[id];
  workflow.nodes.draft = { type: 'load-latent', version: 1, params: { file } };
  workflow.nodes.finish = { type: 'continue-denoise', version: 1, params: {} };
  workflow.edges = workflow.edges.filter(({ from, to }) => ![from[0], to[0]].some((id) => gone.includes(id)));
  workflow.edges.push(
    { from: ['draft', 'latent'], to: ['finish', 'latent'] },
    { from: ['model', 'model'], to: ['finish', 'model'] },
    { from: ['finish', 'latent'], to: ['decode', 'latent'] },
  );
  return { ...workflow, inputs: {} };
}

it('a draft saved to a file is finished by another workflow, which needs only the file and the model', async () => {
  const { draft } = await make(savedDraft());
  if (draft === undefined) throw new Error('no draft was saved');
  expect(draft).toMatchObject({ name: 'draft.safetensors', mediaType: 'application/vnd.safetensors' });
  const inputs = join(scratch.path, 'inputs');
  await copyFile(host.store.blobPath(draft.digest), join(inputs, 'draft.safetensors'));
  const finished = await make(loadedDraft('draft.safetensors'));
  const whole = await make(textToVideo({ 'scheduler.steps': steps, 'noise.seed': '7' }));
  expect(finished.frames.video).toEqual(whole.frames.video);

  const bytes = await readFile(join(inputs, 'draft.safetensors'));
  bytes[bytes.byteLength - 5] = bytes[bytes.byteLength - 5]! ^ 8;
  await writeFile(join(inputs, 'damaged.safetensors'), bytes);
  const result = await host.run({
    workflow: loadedDraft('damaged.safetensors'),
    signal: AbortSignal.timeout(60_000),
    onEvent: () => {},
  });
  expect(result.error).toMatchObject({ code: 'latent/damaged' });
}, 180_000);
