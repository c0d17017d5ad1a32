/**
 * What each task promises about frames that are given, checked to the bit: every workflow runs through the engine
 * with real media and the 9 kB package of packages/inference, whose answers mean nothing and cost nothing.
 */
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEngine } from '@reelgraph/engine';
import { applyInputs, type NodeCatalogue, parseWorkflow } from '@reelgraph/graph';
import { createModelService, type ModelServiceHandle } from '@reelgraph/inference';
import { createMediaService } from '@reelgraph/media';
import {
  type AnyNodeDefinition,
  describeNode,
  type KnownLatent,
  type Latent,
  type MediaService,
} from '@reelgraph/node-api';
import { createFakeFiles } from '@reelgraph/node-api/testing';
import { builtinNodes } from '@reelgraph/nodes';
import { isTensor, sliceAxis, type Tensor } from '@reelgraph/tensor';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { projectRoot } from '../support/server.ts';

// The first run opens sessions and starts ffmpeg, which takes its time where other work goes on.
vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let models: ModelServiceHandle;
let media: MediaService;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-tasks-'));
  const package_ = join(projectRoot, 'packages/inference/src/fixtures/tiny-toybox');
  models = await createModelService({ roots: [package_], threads: 1 });
  media = createMediaService({
    tempFolder: join(folder, 'temp'),
    async putFile(path, about) {
      await rename(path, join(folder, about.name));
      return { kind: 'file', digest: '0'.repeat(64), byteLength: 0, ...about };
    },
  });
});
afterAll(async () => {
  await models?.dispose();
  await rm(folder, { recursive: true, force: true });
});

const catalogue: NodeCatalogue = new Map(
  [...builtinNodes].map(([type, definition]) => [type, describeNode(definition)]),
);

/** What a node of a run gave out. */
interface Made {
  frames(nodeId: string): Tensor<'float32'>;
  latent(nodeId: string): Pick<Latent, 'samples' | 'frameCount'>;
  known(nodeId: string): KnownLatent;
  mask(nodeId: string): Tensor<'float32'>;
}

/** Runs a shipped workflow with the tiny model, and keeps what every node made. */
async function run(name: string, inputs: Readonly<Record<string, string | number>> = {}): Promise<Made> {
  const parsed = parseWorkflow(readFileSync(join(projectRoot, 'workflows', `${name}.json`), 'utf8'));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const applied = applyInputs(
    parsed.workflow,
    // Few words: the package knows few tokens.
    { 'model.model': 'tiny-toybox', prompt: 'a red circle moves right', steps: 2, ...inputs },
    catalogue,
  );
  if (!applied.ok) throw new Error(JSON.stringify(applied.issues));
  const made = new Map<string, Readonly<Record<string, unknown>>>();
  const recording = (definition: AnyNodeDefinition): AnyNodeDefinition => ({
    ...definition,
    async run(args) {
      const outputs = await definition.run(args);
      made.set(args.ctx.nodeId, outputs);
      return outputs;
    },
  });
  const engine = createEngine({
    registry: new Map([...builtinNodes].map(([type, definition]) => [type, recording(definition)])),
    models,
    media,
    files: createFakeFiles((file) => readFile(join(projectRoot, 'workflows', file))),
  });
  const result = await engine.run({ runId: name, workflow: applied.workflow, onEvent: () => {} });
  expect(result, JSON.stringify(result)).toMatchObject({ status: 'succeeded' });
  const output = <T>(nodeId: string, port: string, schema: z.ZodType<T>): T =>
    schema.parse(made.get(nodeId)?.[port]);
  return {
    frames: (nodeId) => output(nodeId, 'frames', z.object({ pixels: tensor })).pixels,
    latent: (nodeId) => output(nodeId, 'latent', z.object({ samples: tensor, frameCount: z.number() })),
    known: (nodeId) =>
      output(nodeId, 'conditioning', z.object({ known: z.object({ latent: tensor, mask: tensor }) })).known,
    mask: (nodeId) => output(nodeId, 'mask', z.object({ weights: tensor })).weights,
  };
}

const tensor = z.custom<Tensor<'float32'>>((value) => isTensor(value) && value.dtype === 'float32');

const count = ({ shape }: { readonly shape: readonly number[] }) => shape[2] ?? 0;
/** Frames `start` to `start + frames - 1`. */
const part = (pixels: Tensor<'float32'>, start: number, frames: number) =>
  sliceAxis(pixels, 2, start, start + frames);
/** Frames from the end. */
const end = (pixels: Tensor<'float32'>, frames: number) => part(pixels, count(pixels) - frames, frames);

/** Latent frames that are wholly given. */
function givenFrames({ mask }: KnownLatent): number[] {
  const [, , total = 0, height = 0, width = 0] = mask.shape;
  const plane = height * width;
  return Array.from({ length: total }, (_, t) => t).filter((t) =>
    mask.data.subarray(t * plane, (t + 1) * plane).every((value) => value === 1),
  );
}

/** Every place that was given has its value still after denoising, and the others do not. */
function expectKept(known: KnownLatent, done: Pick<Latent, 'samples'>): void {
  const places = known.mask.data.length;
  const wrong = [...done.samples.data.keys()].filter((i) => {
    const isGiven = known.mask.data[i % places] === 1;
    return isGiven !== (done.samples.data[i] === known.latent.data[i]);
  });
  expect(wrong).toEqual([]);
}

describe('pictures', () => {
  it('image to video holds the first frame, first and last frame holds both', async () => {
    const image = await run('image-to-video');
    expect(givenFrames(image.known('condition'))).toEqual([0]);
    expectKept(image.known('condition'), image.latent('denoise'));
    const both = await run('first-last-frame');
    expect(givenFrames(both.known('end'))).toEqual([0, 5]);
    expectKept(both.known('end'), both.latent('denoise'));
  });
});

describe('extending a clip', () => {
  // 17 given, of which 9 are shown to the model; 8 new
  it('forward: the given frames stay first and untouched, the new ones follow', async () => {
    const made = await run('extend-forward', { 'fresh.fade': 0 });
    const given = made.frames('video');
    expect(count(given)).toBe(17);
    expect(made.latent('denoise').frameCount).toBe(17);
    expect(givenFrames(made.known('extend'))).toEqual([0, 1, 2]);
    expectKept(made.known('extend'), made.latent('denoise'));
    const whole = made.frames('join');
    expect(count(whole)).toBe(25);
    expect(part(whole, 0, 17)).toEqual(given);
    expect(end(whole, 8)).toEqual(end(made.frames('decode'), 8));
  });

  it('backward: the given frames stay last and untouched, the new ones lead up to them', async () => {
    const made = await run('extend-backward', { 'fresh.fade': 0 });
    expect(givenFrames(made.known('extend'))).toEqual([3, 4]);
    expectKept(made.known('extend'), made.latent('denoise'));
    const whole = made.frames('join');
    expect(count(whole)).toBe(25);
    expect(end(whole, 17)).toEqual(made.frames('video'));
    expect(part(whole, 0, 8)).toEqual(part(made.frames('decode'), 0, 8));
  });

  it('backward: the known latent frames are those of the given frames in their places', async () => {
    const made = await run('extend-backward');
    const given = part(made.frames('video'), 0, 9);
    const model = await models.resolve('tiny-toybox', AbortSignal.timeout(10_000));
    const encoded = await models.encodeFrames(model, given, AbortSignal.timeout(10_000));
    expect(end(made.latent('denoise').samples, 2)).toEqual(part(encoded, 1, 2));
  });

  it.each([6, 7, 8])(
    'a gap of %i frames is filled with as many, between two untouched clips',
    async (newFrames) => {
      const made = await run('fill-gap', { newFrames });
      expectKept(made.known('extend'), made.latent('denoise'));
      const whole = made.frames('join');
      expect(count(whole)).toBe(9 + newFrames + 9);
      expect(part(whole, 0, 9)).toEqual(made.frames('before'));
      expect(end(whole, 9)).toEqual(made.frames('after'));
    },
  );
});

describe('loops', () => {
  it('a given clip stays as it is and gets a bridge from its end to its start', async () => {
    const made = await run('loop-video', { newFrames: 7 });
    expectKept(made.known('extend'), made.latent('denoise'));
    const whole = made.frames('join');
    const given = made.frames('video');
    expect(count(whole)).toBe(count(given) + 7);
    expect(part(whole, 0, count(given))).toEqual(given);
    // After the bridge the clip begins anew: what the model saw at the end is the clip's own start.
    const model = await models.resolve('tiny-toybox', AbortSignal.timeout(10_000));
    const start = await models.encodeFrames(
      model,
      part(made.frames('video'), 0, 9),
      AbortSignal.timeout(10_000),
    );
    expect(end(made.latent('denoise').samples, 2)).toEqual(part(start, 1, 2));
  });

  it.each(['loop-text', 'loop-image'])('%s: a clip, then a bridge back to its start', async (name) => {
    const made = await run(name, { frames: 17, bridgeFrames: 7 });
    expect(givenFrames(made.known('bridge'))).toEqual([0, 1, 2, 5, 6]);
    expectKept(made.known('bridge'), made.latent('bridgeDenoise'));
    expect(part(made.frames('join'), 0, 17)).toEqual(made.frames('decode'));
    expect(count(made.frames('join'))).toBe(24);
  });
});

describe('video to video', () => {
  const from = async (video: string, strength: number) =>
    (await run('video-to-video', { video: `inputs/${video}.mp4`, strength, steps: 10 })).latent('denoise')
      .samples;

  it('keeps nothing of the clip at strength 1 and something of it below', async () => {
    expect(await from('red-circle', 1)).toEqual(await from('circle-and-square', 1));
    expect(await from('red-circle', 0.9)).not.toEqual(await from('circle-and-square', 0.9));
  });
});

describe('inpainting', () => {
  it('changes what is inside the mask and leaves every other pixel as it was', async () => {
    const made = await run('inpaint', { feather: 0 });
    expectKept(made.known('change'), made.latent('denoise'));
    const [given, whole, decoded] = [made.frames('video'), made.frames('back'), made.frames('decode')];
    const { data: mask } = made.mask('grow');
    const wanted = given.data.map((value, i) => (mask[i % mask.length] === 1 ? decoded.data[i]! : value));
    expect(whole).toEqual({ ...given, data: wanted });
    expect(new Set(mask)).toEqual(new Set([0, 1]));
    expect(whole.data).not.toEqual(given.data);
  });
});
