/**
 * Every document in `workflows/` is run for real, by the command line without a server and by a server over
 * HTTP and WebSocket, and both make the same frames.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, type ReelgraphClient } from '@reelgraph/client';
import {
  applyInputs,
  parseWorkflow,
  semanticEqual,
  stringifyWorkflow,
  type Workflow,
} from '@reelgraph/graph';
import { decodeImage, decodeVideoFile } from '@reelgraph/media';
import { describeNode } from '@reelgraph/node-api';
import { builtinNodes } from '@reelgraph/nodes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.ts';
import { frameHashes, runToEnd, videoOf } from '../support/runs.ts';
import { projectRoot, type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

const catalogue = new Map([...builtinNodes].map(([type, definition]) => [type, describeNode(definition)]));
const workflowsFolder = join(projectRoot, 'workflows');
const names = readdirSync(workflowsFolder).filter((name) => name.endsWith('.json'));

function readWorkflow(name: string): { text: string; workflow: Workflow } {
  const text = readFileSync(join(workflowsFolder, name), 'utf8');
  const parsed = parseWorkflow(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues, null, 2));
  return { text, workflow: parsed.workflow };
}

let scratch: Awaited<ReturnType<typeof temporaryFolder>>;
let modelsFolder: string;
let server: RunningServer;
let client: ReelgraphClient;

beforeAll(async () => {
  scratch = await temporaryFolder();
  const dataFolder = join(scratch.path, 'server-data');
  modelsFolder = join(dataFolder, 'models');
  for (const [name, { folder }] of Object.entries(standIns))
    await cp(join(goldenFolder, folder), join(modelsFolder, name), {
      recursive: true,
      filter: (path) => !path.endsWith('cases'),
    });
  server = await startServer({ dataFolder });
  client = createClient({ baseUrl: server.baseUrl });
});
afterAll(async () => {
  await server?.stop();
  await scratch?.dispose();
});

/** Frames of each workflow's clip: what is given and what is made. */
const frameCounts: Readonly<Record<string, number>> = {
  'text-to-video.json': 17,
  'image-to-video.json': 17,
  'first-last-frame.json': 18,
  'extend-forward.json': 25,
  'extend-backward.json': 25,
  'fill-gap.json': 25,
  'loop-text.json': 16,
  'loop-image.json': 16,
  'loop-video.json': 16,
  'video-to-video.json': 17,
  'change-style.json': 17,
  'inpaint.json': 17,
  'ground-truth-scene.json': 17,
  'interactive-world.json': 49,
  'score-a-clip.json': 17,
  'draft-choose-finish.json': 17,
  'wan-text-to-video.json': 9,
  'wan-image-to-video.json': 9,
  'ltx-text-to-video.json': 17,
  'ltx-image-to-video.json': 17,
  'ltx-keyframes.json': 17,
  'cogvideox-video-to-video.json': 17,
};

/** Few steps: what is tested is that it runs and gives the same everywhere, not how it looks. */
const quickly: Readonly<Record<string, number>> = { steps: 2, draftSteps: 1 };

/** Models that do not ship, and the tiny package of random weights that stands in for each. */
const standIns: Readonly<Record<string, { folder: string; inputs: Readonly<Record<string, number>> }>> = {
  'wan2.1-t2v-1.3b': { folder: 'wan-t2v', inputs: { frames: 9, width: 48, height: 32 } },
  'wan2.1-i2v-14b-480p': { folder: 'wan-i2v', inputs: { frames: 9, width: 48, height: 32 } },
  'cogvideox-5b': { folder: 'cogvideox', inputs: { frames: 17, width: 48, height: 32 } },
  'ltx-video': { folder: 'ltx', inputs: { frames: 17, width: 64, height: 32, lastFrame: 8 } },
};
const goldenFolder = join(projectRoot, 'tests/golden');

function standInOf({ nodes }: Workflow) {
  return standIns[String(nodes.model?.params.model)];
}

const quickInputs = (workflow: Workflow) =>
  Object.fromEntries(
    Object.entries({ ...quickly, ...standInOf(workflow)?.inputs }).filter(
      ([name]) => name in workflow.inputs,
    ),
  );

it('ships a workflow for every task', () => {
  expect(names).toEqual(expect.arrayContaining(Object.keys(frameCounts)));
});

describe.each(names)('%s', (name) => {
  const { text, workflow } = readWorkflow(name);
  const output = Object.values(workflow.outputs)[0];

  it('is written as the editor would save it', () => {
    expect(stringifyWorkflow(workflow)).toBe(text);
  });

  it('passes check without a word', async () => {
    const result = await runCli(['check', join('workflows', name), '--json', '--models', modelsFolder]);
    expect(result.code, result.stdout + result.stderr).toBe(0);
  });

  it('makes the same frames through the command line and the server, and carries its workflow', async () => {
    const fromCli = join(scratch.path, `cli-${name}.mp4`);
    const quick = applyInputs(workflow, quickInputs(workflow), catalogue);
    if (!quick.ok) throw new Error(JSON.stringify(quick.issues));
    const cli = await runCli([
      'run',
      join('workflows', name),
      ...Object.entries(quickInputs(workflow)).flatMap(([input, value]) => ['--set', `${input}=${value}`]),
      '--out',
      fromCli,
      '--data',
      join(scratch.path, `cli-data-${name}`),
      '--models',
      modelsFolder,
    ]);
    expect(cli.code, cli.stdout + cli.stderr).toBe(0);

    const previews: string[] = [];
    const run = await runToEnd(client, quick.workflow, {
      onPreview: (preview) => previews.push(preview.nodeId),
    });
    expect(run.state.status, JSON.stringify(run.state)).toBe('succeeded');
    if ('denoise' in workflow.nodes) expect(previews, 'a moving preview while sampling').toContain('denoise');

    const file = videoOf(run.state, output?.node ?? '');
    const bytes = new Uint8Array(await (await fetch(client.resultUrl(file.digest))).arrayBuffer());
    const fromServer = join(scratch.path, `server-${name}.mp4`);
    await writeFile(fromServer, bytes);

    const frames = await frameHashes(fromServer);
    const expected = frameCounts[name];
    if (expected !== undefined) expect(frames).toHaveLength(expected);
    expect(new Set(frames).size, 'the clip moves').toBeGreaterThan(1);
    // Of several results each carries its name.
    const [outputName = ''] = Object.keys(workflow.outputs);
    const ofOutput = fromCli.replace(/\.mp4$/, `-${outputName}.mp4`);
    expect(await frameHashes(existsSync(ofOutput) ? ofOutput : fromCli)).toEqual(frames);

    const carried = await client.extractWorkflow(bytes);
    expect(semanticEqual(carried, quick.workflow)).toBe(true);
  }, 300_000);
});

describe('a workflow of a model that is not there', () => {
  const ofOthers = names.filter((name) => standInOf(readWorkflow(name).workflow) !== undefined);

  it.each(ofOthers)('%s says how to get it', async (name) => {
    const result = await runCli(['check', join('workflows', name)]);
    expect(result.code).not.toBe(0);
    expect(result.stdout + result.stderr).toMatch(/No model named "[^"]+" is installed.*"Real models"/s);
  });
});

describe('image to video', () => {
  it('starts from the picture it was given', async () => {
    const out = join(scratch.path, 'from-picture.mp4');
    const run = await runCli([
      'run',
      'workflows/image-to-video.json',
      '--set',
      'seed=5',
      '--out',
      out,
      '--data',
      join(scratch.path, 'from-picture'),
    ]);
    expect(run.code, run.stdout + run.stderr).toBe(0);
    const pixels = await decodeVideoFile(out, { widthPx: 64, heightPx: 64 });
    const bytes = readFileSync(join(workflowsFolder, 'inputs/blue-square.png'));
    const picture = (await decodeImage(bytes, AbortSignal.timeout(10_000))).pixels;
    const [, , frameCount = 0] = pixels.shape;
    const plane = 64 * 64;
    const psnrOfFrame = (frame: number): number => {
      let squared = 0;
      for (let channel = 0; channel < 3; channel++) {
        for (let i = 0; i < plane; i++) {
          const made = pixels.data[(channel * frameCount + frame) * plane + i] ?? 0;
          squared += (made - (picture.data[channel * plane + i] ?? 0)) ** 2;
        }
      }
      // Peak to peak is 2 in [-1, 1].
      return 10 * Math.log10(4 / (squared / (3 * plane)));
    };
    // The VAE gives a picture back at about 30 dB, and H.264 at quality 80 takes some of that.
    expect(psnrOfFrame(0)).toBeGreaterThan(24);
    expect(psnrOfFrame(0), 'and then it moves away').toBeGreaterThan(psnrOfFrame(frameCount - 1) + 3);
  }, 120_000);
});

describe('score a clip', () => {
  it('finds nothing wrong with the truth, and prints what the model got right', async () => {
    const run = await runCli([
      'run',
      'workflows/score-a-clip.json',
      '--set',
      'steps=2',
      '--json',
      '--out',
      join(scratch.path, 'scored.mp4'),
      '--data',
      join(scratch.path, 'scored'),
    ]);
    expect(run.code, run.stdout + run.stderr).toBe(0);
    const result = JSON.parse(run.stdout.trim().split('\n').at(-1) ?? '');
    const scores: { nodeId: string; summary: string }[] = result.scores;
    expect(scores.find(({ nodeId }) => nodeId === 'truth')?.summary).toMatch(/^(\d+) of \1 right$/);
    expect(scores.find(({ nodeId }) => nodeId === 'score')?.summary).toMatch(/ of \d+ right$/);
  }, 120_000);
});

describe('a rerun', () => {
  // model → prompt ┐
  // latent → noise ┴→ denoise → decode → mux → save        only mux and save see the frame rate
  const sampled = ['denoise', 'decode'];

  it('with another frame rate muxes again and does not sample again, also after a restart', async () => {
    const { workflow } = readWorkflow('text-to-video.json');
    const dataFolder = join(scratch.path, 'rerun-data');
    const withFps = (fps: number): Workflow => {
      const copy = structuredClone(workflow);
      const mux = copy.nodes.mux;
      if (!mux) throw new Error('text-to-video has no node "mux"');
      mux.params.fps = fps;
      return copy;
    };
    const ranNodes = (events: readonly { type: string; nodeId?: string }[]) =>
      events.flatMap((event) => (event.type === 'node.started' && event.nodeId ? [event.nodeId] : []));

    let local = await startServer({ dataFolder });
    try {
      const first = await runToEnd(createClient({ baseUrl: local.baseUrl }), withFps(8));
      expect(ranNodes(first.events)).toEqual(expect.arrayContaining(sampled));

      const again = await runToEnd(createClient({ baseUrl: local.baseUrl }), withFps(12));
      expect(again.state.status).toBe('succeeded');
      expect(ranNodes(again.events)).toContain('mux');
      expect(ranNodes(again.events)).not.toEqual(expect.arrayContaining(['denoise']));
      expect(ranNodes(again.events)).not.toEqual(expect.arrayContaining(['decode']));

      await local.stop();
      local = await startServer({ dataFolder });
      const later = await runToEnd(createClient({ baseUrl: local.baseUrl }), withFps(16));
      expect(later.state.status).toBe('succeeded');
      expect(ranNodes(later.events)).toContain('mux');
      expect(ranNodes(later.events)).not.toEqual(expect.arrayContaining(['denoise']));
    } finally {
      await local.stop();
    }
  }, 180_000);
});
