/**
 * Fakes for tests of nodes: a model that answers by small sums, media in memory, everything recorded. No
 * native code is loaded.
 */
import { createHash } from 'node:crypto';
import { fromFunction, type Tensor, tensor, zeros } from '@reelgraph/tensor';
import type {
  Checkpoints,
  FrameService,
  InputFiles,
  MediaService,
  ModelFacts,
  ModelService,
  MuxRequest,
  ProgressUpdate,
  ResultFiles,
  RunContext,
  VideoBytes,
  WorldFacts,
  WorldFrame,
} from './context.ts';
import { NodeError } from './errors.ts';
import { chunkOfPixels, concatChunks, placeFrames, sliceChunk } from './frame-chunk.ts';
import { createFrameService, type FrameBackends, type FrameLimits } from './frame-service.ts';
import type { FrameFiles } from './stored-clips.ts';
import type { Conditioning, FileRef, Frames, ModelRef, WholeFrames } from './values.ts';

/** The fake model's world: an action adds its place in the list to every tile. */
const fakeWorld: WorldFacts = {
  actions: ['none', 'left', 'right', 'up', 'down', 'act'],
  tilePx: 8,
  fps: 8,
};

/** The fake model: 2 latent channels, 4n+1 frames, sizes in multiples of 16. */
export const fakeModelFacts: ModelFacts = {
  name: 'fake',
  family: 'toybox',
  latentChannels: 2,
  vaeScale: { spatial: 8, temporal: 4 },
  sizeMultiple: 16,
  frameRule: { multiple: 4, plus: 1 },
  maxTextTokens: 16,
  world: fakeWorld,
  defaultShift: 3,
  recommended: { steps: 4, guidanceScale: 2, fps: 8, frameCount: 5, widthPx: 32, heightPx: 32 },
};

/** A reference to the fake model, as load-model gives it. */
export const fakeModelRef: ModelRef = { name: 'fake', family: 'toybox', digest: '0'.repeat(64) };

function fakeWorldFrame(
  [rows, columns]: readonly [number, number],
  codeOf: (tile: number) => number | boolean,
): WorldFrame {
  const side = fakeWorld.tilePx;
  const codes = BigInt64Array.from({ length: rows * columns }, (_, tile) =>
    BigInt(Number(codeOf(tile)) % 256),
  );
  const width = columns * side;
  const pixels = fromFunction([1, 3, 1, rows * side, width], (i) => {
    const tile = Math.floor((i % (rows * side * width)) / width / side) * columns;
    return Number(codes[tile + Math.floor((i % width) / side)]) / 127.5 - 1;
  });
  return { state: { codes: tensor('int64', [1, rows, columns], codes) }, pixels, certainty: 1 };
}

/** One word one token; what it says is its letters' sum. */
function encodeWords(text: string): Conditioning {
  const words = text.split(/\s+/).filter((word) => word !== '');
  const tokens = words.length === 0 ? [''] : words;
  if (tokens.length > fakeModelFacts.maxTextTokens) {
    throw new NodeError('text/too-long', `The text has ${tokens.length} tokens; "fake" reads at most 16.`);
  }
  const sums = tokens.map((word) => [...word].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) / 1000);
  return {
    promptEmbeds: tensor('float32', [1, sums.length, 1], Float32Array.from(sums)),
    promptMask: tensor('int64', [1, sums.length], new BigInt64Array(sums.length).fill(1n)),
  };
}

/** Mean of a text's tokens: the value every element of the clip tends to. */
export function fakeTarget({ promptEmbeds }: Conditioning): number {
  return promptEmbeds.data.reduce((sum, value) => sum + value, 0) / promptEmbeds.data.length;
}

/**
 * A model without weights. `denoise` points straight at `fakeTarget` of each branch, so any sampler ends
 * there; encoding takes the first pixel of each patch, decoding repeats it.
 */
export function createFakeModels(): ModelService {
  const { latentChannels, vaeScale } = fakeModelFacts;
  return {
    async resolve(name) {
      if (name !== 'fake') throw new NodeError('model/not-found', `No model named "${name}" is installed.`);
      return fakeModelRef;
    },
    facts: () => fakeModelFacts,
    encodeText: async (_, text) => encodeWords(text),
    async denoise(_, { sample, sigma, branches }) {
      return branches.map((branch) => {
        const target = fakeTarget(branch);
        return fromFunction(sample.shape, (i) => (sample.data[i]! - target) / sigma);
      });
    },
    async encodeFrames(_, pixels) {
      const [, , frames = 1, height = 0, width = 0] = pixels.shape;
      const t = (frames - 1) / vaeScale.temporal + 1;
      const h = height / vaeScale.spatial;
      const w = width / vaeScale.spatial;
      return fromFunction([1, latentChannels, t, h, w], (i) => {
        const x = (i % w) * vaeScale.spatial;
        const y = (Math.floor(i / w) % h) * vaeScale.spatial;
        const frame = (Math.floor(i / (w * h)) % t) * vaeScale.temporal;
        const channel = Math.floor(i / (w * h * t));
        return pixels.data[((channel * frames + frame) * height + y) * width + x]!;
      });
    },
    async decodeLatent(_, latent) {
      const [, , t = 1, h = 0, w = 0] = latent.shape;
      const frames = (t - 1) * vaeScale.temporal + 1;
      const height = h * vaeScale.spatial;
      const width = w * vaeScale.spatial;
      return fromFunction([1, 3, frames, height, width], (i) => {
        const x = Math.floor((i % width) / vaeScale.spatial);
        const y = Math.floor((Math.floor(i / width) % height) / vaeScale.spatial);
        const frame = Math.ceil((Math.floor(i / (width * height)) % frames) / vaeScale.temporal);
        return Math.min(1, Math.max(-1, latent.data[(frame * h + y) * w + x]!));
      });
    },
    async *decodeByChunk(model, latent, signal) {
      yield await this.decodeLatent(model, latent, signal);
    },
    previewLatent(_, latent) {
      const [, , t = 1, h = 0, w = 0] = latent.shape;
      return zeros('float32', [1, 3, t, h, w]);
    },
    async openWorld(_, pixels) {
      const [, , , height = 0, width = 0] = pixels.shape;
      const side = fakeWorld.tilePx;
      const columns = width / side;
      return fakeWorldFrame(
        [height / side, columns],
        (tile) => pixels.data[Math.floor(tile / columns) * side * width + (tile % columns) * side]! > 0,
      );
    },
    async stepWorld(_, { codes }, action) {
      const index = fakeWorld.actions.indexOf(action);
      if (index < 0) throw new NodeError('model/no-action', `Model "fake" knows no action "${action}".`);
      const [, rows = 0, columns = 0] = codes.shape;
      return fakeWorldFrame([rows, columns], (tile) => Number(codes.data[tile]) + index);
    },
  };
}

/** What a video was made of. */
export interface FakeMux extends Omit<MuxRequest, 'chunks'> {
  /** All chunks, [1, 3, T, H, W] */
  readonly pixels: Tensor<'float32'>;
}

/**
 * Media that keep what they were given: `muxed` lists the requests, files are digests of them. A picture is the two
 * bytes [side, level]; a video the two bytes [side, frames], whose frame n has the level n.
 */
export function createFakeMedia(): MediaService & { readonly muxed: readonly FakeMux[] } {
  const muxed: FakeMux[] = [];
  return {
    muxed,
    async decodeImage(bytes) {
      const side = bytes[0];
      if (side === undefined) throw new NodeError('media/not-an-image', 'The file is not a picture.');
      return { pixels: fromFunction([1, 3, 1, side, side], () => (bytes[1] ?? 0) / 127.5 - 1) };
    },
    async resizeImage(image, { widthPx, heightPx }) {
      return { pixels: fromFunction([1, 3, 1, heightPx, widthPx], () => image.pixels.data[0]!) };
    },
    async decodeVideo(video, { startFrame = 0, frameCount = Number.POSITIVE_INFINITY, fps = 8 }) {
      const [side = 0, frames = 0] = await wholeOf(video);
      if (side === 0) throw new NodeError('media/not-a-video', 'The file is not a video.');
      const count = Math.min(frames - startFrame, frameCount);
      const pixels = fromFunction([1, 3, count, side, side], (i) => {
        const frame = Math.floor(i / (side * side)) % count;
        return (startFrame + frame) / 127.5 - 1;
      });
      return { pixels, fps };
    },
    async muxVideo({ chunks, ...request }): Promise<FileRef> {
      const { frameCount, widthPx, heightPx } = request.size;
      const data = new Float32Array(3 * frameCount * widthPx * heightPx);
      let at = 0;
      for await (const chunk of chunks) {
        placeFrames(chunk.pixels, data, { at, frameCount });
        at += chunk.frameCount;
      }
      const pixels = tensor('float32', [1, 3, frameCount, heightPx, widthPx], data);
      muxed.push({ ...request, pixels });
      const hash = createHash('sha256').update(
        JSON.stringify([request.fps, request.quality, request.metadata]),
      );
      hash.update(new Uint8Array(data.buffer));
      return {
        kind: 'file',
        digest: hash.digest('hex'),
        byteLength: data.byteLength,
        mediaType: 'video/mp4',
        name: `${request.name}.mp4`,
      };
    },
  };
}

/** Files of frames in memory; `kept` lists them by digest. */
export function createFakeFrameFiles(): FrameFiles & { readonly kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    async create() {
      const parts: Uint8Array[] = [];
      return {
        write: async (bytes) => void parts.push(bytes.slice()),
        read: async (at, byteLength) => new Uint8Array(Buffer.concat(parts)).slice(at, at + byteLength),
        async keep(about) {
          const bytes = new Uint8Array(Buffer.concat(parts));
          const digest = createHash('sha256').update(bytes).digest('hex');
          kept.set(digest, bytes);
          return { kind: 'file', digest, byteLength: bytes.byteLength, ...about };
        },
        close: async () => undefined,
      };
    },
    async open({ digest }) {
      const bytes = kept.get(digest);
      if (bytes === undefined) throw new NodeError('frames/gone', 'These frames are gone.');
      return {
        read: async (at, byteLength) => bytes.slice(at, at + byteLength),
        reportDamage: async () => void kept.delete(digest),
        close: async () => undefined,
      };
    },
  };
}

/** Frames made as in a run, with sizes by the media of the test; no video is decoded. */
export function createFakeFrames(
  media: Pick<MediaService, 'resizeImage'> = createFakeMedia(),
  files: FrameFiles = createFakeFrameFiles(),
  limits?: FrameLimits,
): FrameService {
  const backends: FrameBackends = {
    decode() {
      throw new NodeError('media/not-a-video', 'No video is decoded here.');
    },
    async resize(chunk, size) {
      const resized = [];
      for (let i = 0; i < chunk.frameCount; i++) {
        const { pixels } = sliceChunk(chunk, i, i + 1);
        resized.push(chunkOfPixels((await media.resizeImage({ pixels }, size)).pixels));
      }
      return concatChunks(resized);
    },
    files,
  };
  return createFrameService(backends, limits);
}

/** A clip that is expected to be in memory, as small ones are. */
export function inMemory(frames: Frames): WholeFrames {
  if ('pixels' in frames) return frames;
  throw new TypeError(`Expected a clip in memory, got one that is read from "${frames.source.kind}".`);
}

/**
 * Checkpoints in memory that are taken of every step; `saved` lists the steps. A node that is run again with
 * them goes on from the last.
 */
export function createFakeCheckpoints(): Checkpoints & { readonly saved: readonly number[] } {
  const saved: number[] = [];
  let state: unknown;
  return {
    saved,
    async load(read) {
      const step = saved.at(-1);
      const found = step === undefined ? undefined : read(structuredClone(state));
      return step === undefined || found === undefined ? undefined : { step, state: found };
    },
    async save(step, produce) {
      saved.push(step);
      state = structuredClone(produce());
    },
  };
}

/** Files in memory; `written` lists them by name. */
export function createFakeResults(): ResultFiles & { readonly written: ReadonlyMap<string, Uint8Array> } {
  const written = new Map<string, Uint8Array>();
  return {
    written,
    async write(bytes, about) {
      written.set(about.name, bytes);
      const digest = createHash('sha256').update(bytes).digest('hex');
      return { kind: 'file', digest, byteLength: bytes.byteLength, ...about };
    },
  };
}

/** Input files of which each is read whole by `read`, and as if it changed in between when that gives other bytes. */
export function createFakeFiles(
  read: InputFiles['read'],
): InputFiles & { digest(name: string): Promise<string> } {
  return {
    read,
    async *stream(name) {
      yield await read(name);
    },
    digest: async (name) =>
      createHash('sha256')
        .update(await read(name))
        .digest('hex'),
  };
}

/** Files that are given as what `read` answers are streamed as one piece of it. */
type ContextOverrides = Partial<Omit<RunContext, 'files'>> & { readonly files?: Pick<InputFiles, 'read'> };

async function wholeOf(video: VideoBytes): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of video instanceof Uint8Array ? [video] : video) pieces.push(piece);
  return new Uint8Array(Buffer.concat(pieces));
}

/** What a node did to its context. */
export interface TestContext extends RunContext {
  readonly progressUpdates: readonly ProgressUpdate[];
  readonly previews: readonly { pixels: Tensor<'float32'>; fps: number }[];
}

/**
 * A run context of fakes; give what a test needs to be otherwise.
 *
 * @example
 * const ctx = createTestContext({ files: { read: async () => pngBytes } });
 * const { latent } = await denoise.run({ inputs, params, ctx });
 */
export function createTestContext({ files, ...overrides }: ContextOverrides = {}): TestContext {
  const progressUpdates: ProgressUpdate[] = [];
  const previews: { pixels: Tensor<'float32'>; fps: number }[] = [];
  const media = overrides.media ?? createFakeMedia();
  return {
    runId: 'test-run',
    nodeId: 'node',
    signal: new AbortController().signal,
    models: createFakeModels(),
    media,
    frames: createFakeFrames(media),
    files: createFakeFiles(
      files?.read ??
        (async (name) => {
          throw new NodeError('file/not-found', `There is no file "${name}".`);
        }),
    ),
    results: createFakeResults(),
    checkpoints: createFakeCheckpoints(),
    workflowJson: '{}',
    progress: (update) => void progressUpdates.push(update),
    preview: (produce) => void previews.push(produce()),
    handOut: () => undefined,
    ...overrides,
    progressUpdates,
    previews,
  };
}
