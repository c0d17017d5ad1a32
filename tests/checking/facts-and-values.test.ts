/**
 * What nodes foretell against what they make: every node type of the registry runs on small inputs, and each fact
 * inferred before must be the one read off the value. Shipped workflows first; what no workflow uses is in `others`.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkWorkflow } from '@reelgraph/engine';
import {
  type PortFacts,
  type PortType,
  topologicalOrder,
  type Workflow,
  workflowSchema,
} from '@reelgraph/graph';
import { createMediaService } from '@reelgraph/media';
import type { InferContext, MediaService } from '@reelgraph/node-api';
import { createFakeMedia, createTestContext, fakeModelFacts } from '@reelgraph/node-api/testing';
import { builtinNodes, encodeLatentFile, latentFactsOf } from '@reelgraph/nodes';
import { zeros } from '@reelgraph/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { inputBytes, shippedFileFacts, shippedWorkflows } from './documents.ts';

let folder: string;
let media: MediaService;
let context: InferContext;
const ran = new Set<string>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-facts-'));
  const real = createMediaService({
    tempFolder: join(folder, 'temp'),
    putFile: () => Promise.reject(new Error('nothing is written here')),
  });
  // Files are read as they are; writing them is another matter and would take most of the time.
  media = { ...real, muxVideo: (request, signal) => createFakeMedia().muxVideo(request, signal) };
  const files = await shippedFileFacts();
  files.set(savedFile, { kind: 'latent', facts: latentFactsOf(savedLatent) });
  context = { models: new Map([['fake', fakeModelFacts]]), files };
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const savedFile = 'inputs/saved.safetensors';
const savedLatent = encodeLatentFile({
  samples: zeros('float32', [1, 2, 3, 4, 6]),
  model: 'fake',
  frameCount: 9,
  widthPx: 48,
  heightPx: 32,
});
const read = async (name: string) => (name === savedFile ? savedLatent : inputBytes(name));

/** Small and quick: the model without weights, few steps, a prompt of three words. */
function small(workflow: Workflow): Workflow {
  for (const node of Object.values(workflow.nodes)) {
    const info = builtinNodes.get(node.type);
    for (const [name, param] of Object.entries(info?.params ?? {}))
      if (param.kind === 'model') node.params[name] = 'fake';
    for (const side of ['width', 'height'])
      if (node.params[side] === 64 || ['empty-latent', 'resize-frames'].includes(node.type))
        node.params[side] = 32;
    if (node.type === 'empty-latent') node.params.frames = Math.min(Number(node.params.frames), 25);
    if (node.type === 'image-conditioning' && Number(node.params.frameIndex ?? 0) > 24)
      node.params.frameIndex = 24;
    if (node.type === 'load-model') node.params.variant = 'base';
    if (node.type === 'text-encode') node.params.prompt = 'a red circle';
    if (node.type === 'text-encode') node.params.negativePrompt = '';
    if (node.type === 'scheduler') node.params.steps = 3;
    if (node.type === 'scheduler' && Number(node.params.stopAfter ?? 0) > 0) node.params.stopAfter = 1;
  }
  return workflow;
}

/** Runs every node in order; what each made, by node and port. */
async function made(workflow: Workflow): Promise<Map<string, Readonly<Record<string, unknown>>>> {
  const values = new Map<string, Readonly<Record<string, unknown>>>();
  const sorted = topologicalOrder(Object.keys(workflow.nodes), workflow.edges);
  for (const id of sorted.ok ? sorted.order : []) {
    const node = workflow.nodes[id];
    const definition = builtinNodes.get(node?.type ?? '');
    if (node === undefined || definition === undefined) throw new Error(`no node type for "${id}"`);
    const inputs = Object.fromEntries(
      workflow.edges
        .filter(({ to }) => to[0] === id)
        .map(({ from, to }) => [to[1], values.get(from[0])?.[from[1]]]),
    );
    const defaults = Object.entries(definition.params).map(([name, param]) => [name, param.default]);
    const ctx = createTestContext({ nodeId: id, media, files: { read } });
    const params = { ...Object.fromEntries(defaults), ...node.params };
    values.set(id, await definition.run({ inputs, params, ctx }));
    ran.add(node.type);
  }
  return values;
}

const tensor = z.object({ shape: z.array(z.number()) });
const sizeOf = (value: z.infer<typeof tensor>): PortFacts => {
  const [, , frameCount, heightPx, widthPx] = value.shape;
  return { frameCount, heightPx, widthPx };
};
const latent = z.object({
  samples: tensor,
  model: z.string(),
  frameCount: z.number(),
  widthPx: z.number(),
  heightPx: z.number(),
});

/** Facts as they are read off a value, for the types that have any; undefined for facts that it has not. */
const readers: Partial<Record<PortType, (value: unknown) => PortFacts>> = {
  integer: (value) => ({ value: z.number().parse(value) }),
  frames(value) {
    const { pixels, fps } = z.object({ pixels: tensor, fps: z.number() }).parse(value);
    const size = sizeOf(pixels);
    return { ...size, fps, durationSeconds: (size.frameCount ?? 0) / fps };
  },
  image(value) {
    const { frameCount: _, ...size } = sizeOf(z.object({ pixels: tensor }).parse(value).pixels);
    return { ...size, hasAlpha: false };
  },
  mask: (value) => sizeOf(z.object({ weights: tensor }).parse(value).weights),
  latent(value) {
    const { samples, model, frameCount, widthPx, heightPx } = latent.parse(value);
    return { model, frameCount, widthPx, heightPx, channels: samples.shape[1] };
  },
  noise: (value) => ({ channels: z.object({ samples: tensor }).parse(value).samples.shape[1] }),
  sigmas: (value) => ({ steps: z.object({ values: z.array(z.number()) }).parse(value).values.length - 1 }),
  model: (value) => z.object({ family: z.string() }).parse(value),
  conditioning: (value) => ({
    hasKnownFrames:
      z.object({ known: z.unknown().optional() }).parse(value).known === undefined ? undefined : true,
  }),
  video(value) {
    const { widthPx, heightPx, frameCount, fps } = latent
      .omit({ samples: true, model: true })
      .extend({ fps: z.number() })
      .parse(value);
    return { widthPx, heightPx, frameCount, fps, durationSeconds: frameCount / fps };
  },
};

/** A picture has transparency in files only, so its lack is told where a file was looked at. */
const mayStayUnknown: ReadonlySet<string> = new Set(['hasAlpha']);

/** Inferred facts beside read ones, for every output: equal when all is well. */
async function compared(workflow: Workflow) {
  const { issues, facts } = checkWorkflow(workflow, builtinNodes, context);
  expect(issues.filter(({ severity }) => severity === 'error')).toEqual([]);
  const foretold: Record<string, PortFacts> = {};
  const found: Record<string, PortFacts> = {};
  for (const [id, outputs] of await made(workflow)) {
    const definition = builtinNodes.get(workflow.nodes[id]?.type ?? '');
    for (const [port, { type }] of Object.entries(definition?.outputs ?? {})) {
      const inferred = new Map(Object.entries(facts[id]?.[port] ?? {}));
      const read = Object.entries(readers[type]?.(outputs[port]) ?? {}).filter(
        ([name]) => inferred.has(name) || !mayStayUnknown.has(name),
      );
      found[`${id}.${port}`] = Object.fromEntries(read);
      foretold[`${id}.${port}`] = Object.fromEntries(read.map(([name]) => [name, inferred.get(name)]));
    }
  }
  return { foretold, found };
}

/** Nodes as `[type, params]`, wires as `a.out -> b.in`. */
function document(
  nodes: Record<string, readonly [type: string, params?: Record<string, string | number>]>,
  edges: readonly string[],
): Workflow {
  return workflowSchema.parse({
    reelgraph: 1,
    name: 'others',
    nodes: Object.fromEntries(
      Object.entries(nodes).map(([id, [type, params = {}]]) => {
        return [id, { type, version: builtinNodes.get(type)?.version ?? 1, params }];
      }),
    ),
    edges: edges.map((text) => {
      const [from = '', to = ''] = text.split(' -> ');
      return { from: from.split('.'), to: to.split('.') };
    }),
  });
}

//  clip ─> slow ─> back ─> last       picture ──> painted ─> outside ─> fitted
//                    └──────────────────────────────┴────────────────────┘
const others = document(
  {
    clip: ['load-video', { file: 'inputs/red-circle.mp4', start: 2, fps: 12, longestSide: 40 }],
    slow: ['change-frame-rate', { fps: 5 }],
    back: ['reverse-frames'],
    last: ['pick-frame'],
    picture: ['load-image', { file: 'inputs/blue-square.png' }],
    painted: ['image-mask'],
    outside: ['invert-mask'],
    fitted: ['fit-mask'],
    cut: ['trim-frames', { cutStart: 1, most: 3 }],
    faded: ['join-clips', { crossfade: 2 }],
    saved: ['load-latent', { file: savedFile }],
    kept: ['save-latent'],
  },
  [
    'saved.latent -> kept.latent',
    'clip.frames -> slow.frames',
    'slow.frames -> back.frames',
    'back.frames -> last.frames',
    'picture.image -> painted.image',
    'slow.frames -> painted.frames',
    'painted.mask -> outside.mask',
    'outside.mask -> fitted.mask',
    'clip.frames -> fitted.frames',
    'back.frames -> cut.frames',
    'slow.frames -> faded.first',
    'cut.frames -> faded.second',
    'slow.frames -> faded.third',
  ],
);

describe('facts are true', () => {
  it.each([...shippedWorkflows()])('%s', async (_, workflow) => {
    const { foretold, found } = await compared(small(workflow));
    expect(foretold).toEqual(found);
  });

  it('nodes that no workflow uses', async () => {
    const { foretold, found } = await compared(small(others));
    expect(foretold).toEqual(found);
  });

  it('every node type infers, and was run above', () => {
    const without = [...builtinNodes.values()].filter((node) => node.infer === undefined);
    expect(without.map(({ type }) => type)).toEqual([]);
    // A type is missing here? Use it in a workflow, or in `others`.
    expect([...ran].sort()).toEqual([...builtinNodes.keys()].sort());
  });
});
