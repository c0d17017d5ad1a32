/**
 * Draft, choose, finish, as the shipped workflow does it with the embedded model: the finished take has the
 * frames of the clip that nobody stopped, and choosing another one computes only what that one has left.
 */
import { join } from 'node:path';
import type { RunEvent, Workflow } from '@reelgraph/graph';
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
  host = await createRunHost({
    dataFolder,
    inputRoots: [],
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
    if (file !== undefined) frames[name] = await frameHashes(host.store.blobPath(file.digest));
  }
  const ran = events.flatMap((event) => (event.type === 'node.started' ? [event.nodeId] : []));
  return { frames, ran, events };
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
