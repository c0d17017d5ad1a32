/**
 * Latents as files: safetensors, so that other programs can look inside, with what has no tensor as JSON in the
 * metadata and a digest over everything. A draft comes back with all that the rest of its steps follow from.
 */
import { createHash } from 'node:crypto';
import {
  type Conditioning,
  type KnownHold,
  type Latent,
  NodeError,
  type PortFacts,
  type UnfinishedSampling,
} from '@reelgraph/node-api';
import {
  decodeSafetensors,
  encodeSafetensors,
  formatShape,
  isTensor,
  sameShape,
  type Tensor,
  TensorError,
} from '@reelgraph/tensor';
import { z } from 'zod';

/** Media type and ending of the file. */
export const latentFileType = { mediaType: 'application/vnd.safetensors', ending: 'safetensors' } as const;

/** More numbers than any clip has are not drawn because a file says so. */
const mostDrawn = 2 ** 27;
const shapeSchema = z
  .array(z.number().int().positive())
  .refine(
    (shape) => shape.reduce((product, size) => product * size, 1) <= mostDrawn,
    'draws too many numbers',
  );
const drawnSchema = z.array(shapeSchema).max(1024);
const grainSchema = z.strictObject({ seed: z.string(), drawn: drawnSchema });

/** The same as `SamplingRules`. */
const rulesSchema = z.strictObject({
  timesteps: z.array(z.number()).exactOptional(),
  targets: z.array(z.number()).exactOptional(),
  partial: z.literal(true).exactOptional(),
  settings: z
    .strictObject({
      order: z.number().exactOptional(),
      solver: z.enum(['midpoint', 'heun', 'bh1', 'bh2']).exactOptional(),
      follows: z.enum(['clean', 'noise']).exactOptional(),
      lowerOrderFinal: z.boolean().exactOptional(),
      eulerAtFinal: z.boolean().exactOptional(),
      skipCorrector: z.array(z.number()).exactOptional(),
      eta: z.number().exactOptional(),
      noiseScale: z.number().exactOptional(),
      clip: z.number().exactOptional(),
      churn: z.number().exactOptional(),
      timestepScaling: z.number().exactOptional(),
    })
    .exactOptional(),
  guidance: z
    .strictObject({
      zeroStar: z.strictObject({ zeroSteps: z.number() }).exactOptional(),
      rescale: z.number().exactOptional(),
      interval: z.strictObject({ from: z.number(), to: z.number() }).exactOptional(),
      embedded: z.number().exactOptional(),
      ramp: z.literal('cogvideox').exactOptional(),
    })
    .exactOptional(),
  experts: z.strictObject({ below: z.number(), guidanceScale: z.number() }).exactOptional(),
  frameRate: z.number().exactOptional(),
  skipping: z.number().exactOptional(),
});

/** The same as `KnownHold`. */
const holdSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('noised') }),
  z.strictObject({ kind: z.literal('clean') }),
  z.strictObject({
    kind: z.literal('by-strength'),
    noiseScale: z.number(),
    guideFrames: z.array(z.number()),
    patchSize: z.tuple([z.number(), z.number(), z.number()]),
  }),
]);

const aboutSchema = z.strictObject({
  format: z.literal(1),
  model: z.string(),
  frameCount: z.number().int().positive(),
  widthPx: z.number().int().positive(),
  heightPx: z.number().int().positive(),
  fps: z.number().positive().exactOptional(),
  grain: grainSchema.exactOptional(),
  unfinished: z
    .strictObject({
      step: z.number().int().positive(),
      sigmas: z.array(z.number()).min(3),
      sampler: z.string(),
      /** What of the sampler's memory is no tensor. */
      memory: z.record(z.string(), z.union([z.number(), z.string()])),
      guidanceScale: z.number(),
      rules: rulesSchema.exactOptional(),
      branches: z.number().int().min(1).max(2),
      /** How the known frames of each branch are held, in order; null where there are none, or they are noised. */
      holds: z.array(holdSchema.nullable()).exactOptional(),
      seed: z.string(),
      drawn: drawnSchema.exactOptional(),
      framesFirst: z.literal(true).exactOptional(),
      model: z.strictObject({
        name: z.string(),
        family: z.string(),
        digest: z.string(),
        variant: z.string().exactOptional(),
        precision: z.string().exactOptional(),
      }),
    })
    .optional(),
});
type About = z.infer<typeof aboutSchema>;

/** The name other programs look for. */
const samplesName = 'latent_tensor';

/** @returns the bytes of a safetensors file; the same latent gives the same bytes */
export function encodeLatentFile(latent: Latent): Uint8Array {
  const { samples, spread, unfinished, model, frameCount, widthPx, heightPx, fps, grain } = latent;
  const tensors: Record<string, Tensor> = {
    [samplesName]: samples,
    ...(spread === undefined ? {} : { spread }),
  };
  const about: About = {
    format: 1,
    model,
    frameCount,
    widthPx,
    heightPx,
    ...(fps === undefined ? {} : { fps }),
    ...(grain === undefined ? {} : { grain: { seed: grain.seed, drawn: asShapes(grain.drawn) } }),
  };
  if (unfinished !== undefined) {
    const { noise, branches, memory, estimate, rules, ...rest } = unfinished;
    const holds = branches.map(({ known }) => known?.hold ?? null);
    tensors.estimate = estimate;
    tensors.noise = noise.samples;
    branches.forEach((branch, index) => {
      tensors[`branch.${index}.promptEmbeds`] = branch.promptEmbeds;
      tensors[`branch.${index}.promptMask`] = branch.promptMask;
      if (branch.pooled !== undefined) tensors[`branch.${index}.pooled`] = branch.pooled;
      const { channels, tokens: pictures } = branch.guide ?? {};
      if (channels !== undefined) tensors[`branch.${index}.guide.channels`] = channels;
      if (pictures !== undefined) tensors[`branch.${index}.guide.tokens`] = pictures;
      if (branch.known === undefined) return;
      tensors[`branch.${index}.known.latent`] = branch.known.latent;
      tensors[`branch.${index}.known.mask`] = branch.known.mask;
    });
    const scalars: Record<string, number | string> = {};
    for (const [name, part] of Object.entries(memory)) {
      if (typeof part === 'object') tensors[`memory.${name}`] = part;
      else scalars[name] = part;
    }
    about.unfinished = {
      ...rest,
      sigmas: [...rest.sigmas],
      memory: scalars,
      branches: branches.length,
      seed: noise.seed,
      ...(rules === undefined ? {} : { rules: rulesSchema.parse(rules) }),
      ...(holds.every((hold) => hold === null) ? {} : { holds: z.array(holdSchema.nullable()).parse(holds) }),
      ...(noise.drawn === undefined ? {} : { drawn: asShapes(noise.drawn) }),
      ...(noise.framesFirst === undefined ? {} : { framesFirst: noise.framesFirst }),
    };
  }
  const text = JSON.stringify(about);
  const metadata = { latent: text, sha256: digestOf(text, tensors) };
  return encodeSafetensors({ tensors, metadata });
}

/**
 * The latent of a file.
 *
 * @throws NodeError 'latent/not-a-latent' | 'latent/damaged' | 'latent/newer'
 */
export function decodeLatentFile(bytes: Uint8Array): Latent {
  const { tensors, metadata } = readSafetensors(bytes);
  const text = metadata.latent;
  if (text === undefined) {
    throw new NodeError('latent/not-a-latent', 'This file holds tensors, but no latent of Reelgraph.', {
      hint: 'Choose a file that "Save latent" made.',
    });
  }
  if (metadata.sha256 !== digestOf(text, tensors)) {
    throw new NodeError('latent/damaged', 'The file of this latent was changed or damaged on its way.', {
      hint: 'Copy it again from where it was saved.',
    });
  }
  const about = parseAbout(text);
  const samples = floats(tensors, samplesName, 5);
  const { format: _, unfinished, ...rest } = about;
  const spread = tensors.spread === undefined ? undefined : floats(tensors, 'spread', 5);
  if (spread !== undefined && !sameShape(spread.shape, samples.shape))
    throw unfit(`its spread has another size, ${formatShape(spread.shape)}`);
  const latent = { samples, ...(spread === undefined ? {} : { spread }), ...rest };
  if (unfinished === undefined) return latent;

  const { seed, drawn, framesFirst, branches, memory, holds = [], ...plan } = unfinished;
  const noise = {
    samples: floats(tensors, 'noise', 5),
    seed,
    ...(drawn === undefined ? {} : { drawn }),
    ...(framesFirst === undefined ? {} : { framesFirst }),
  };
  const estimate = floats(tensors, 'estimate', 5);
  // Frames that stand for pictures are in the samples only.
  const hold = holds[0];
  const extra = hold?.kind === 'by-strength' ? hold.guideFrames.length : 0;
  const ofClip = samples.shape.with(2, (samples.shape[2] ?? 0) - extra);
  for (const other of [noise.samples, estimate]) {
    if (!sameShape(other.shape, ofClip)) {
      throw unfit(
        `its tensors have different sizes, ${formatShape(other.shape)} and ${formatShape(samples.shape)}`,
      );
    }
  }
  const state: UnfinishedSampling = {
    ...plan,
    noise,
    estimate,
    branches: Array.from({ length: branches }, (_, index) => readBranch(tensors, index, holds[index])),
    memory: { ...memory, ...tensorsUnder(tensors, 'memory.') },
  };
  return { ...latent, unfinished: state };
}

const headSchema = z.looseObject({
  __metadata__: z.looseObject({ latent: z.string() }),
  [samplesName]: z.looseObject({ shape: z.array(z.number().int().positive()).length(5) }),
});

/** Whether bytes begin as a safetensors file does: the length of a JSON object, then the object. */
export function beginsAsLatentFile(bytes: Uint8Array): boolean {
  return bytes[8] === 0x7b && headLength(bytes) <= bytes.byteLength - 8;
}

function headLength(bytes: Uint8Array): number {
  if (bytes.byteLength < 8) return Number.POSITIVE_INFINITY;
  return Number(new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true));
}

/**
 * What the head of a file says of the latent in it; its tensors are not looked at.
 *
 * @throws NodeError 'latent/not-a-latent' | 'latent/newer'
 */
export function latentFactsOf(bytes: Uint8Array): PortFacts {
  if (!beginsAsLatentFile(bytes)) throw unfit('it does not begin as one');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + headLength(bytes))));
  } catch {
    throw unfit('its head cannot be read');
  }
  const head = headSchema.safeParse(value);
  if (!head.success) throw unfit('its head says nothing of a latent');
  const { model, frameCount, widthPx, heightPx, unfinished } = parseAbout(head.data.__metadata__.latent);
  const channels = head.data[samplesName].shape[1];
  const variant = unfinished?.model.variant;
  return {
    model,
    frameCount,
    widthPx,
    heightPx,
    ...(channels === undefined ? {} : { channels }),
    ...(unfinished === undefined ? {} : { steps: unfinished.sigmas.length - 1, stepsDone: unfinished.step }),
    ...(variant === undefined ? {} : { variant }),
  };
}

function readSafetensors(bytes: Uint8Array): ReturnType<typeof decodeSafetensors> {
  try {
    return decodeSafetensors(bytes);
  } catch (cause) {
    if (!(cause instanceof TensorError)) throw cause;
    throw new NodeError('latent/not-a-latent', `This is no latent file. ${cause.message}`, {
      hint: 'Choose a file that "Save latent" made.',
      cause,
    });
  }
}

function parseAbout(text: string): About {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unfit('what it says of itself cannot be read');
  }
  const format = z.looseObject({ format: z.number() }).safeParse(value);
  if (format.success && format.data.format > 1) {
    throw new NodeError('latent/newer', 'This latent was saved by a newer Reelgraph.', {
      hint: 'Update, or save it with this version.',
    });
  }
  const parsed = aboutSchema.safeParse(value);
  if (!parsed.success) throw unfit(parsed.error.issues[0]?.message ?? 'what it says of itself does not fit');
  return parsed.data;
}

function readBranch(
  tensors: Readonly<Record<string, Tensor>>,
  index: number,
  hold: KnownHold | null | undefined,
): Conditioning {
  const name = `branch.${index}`;
  const promptMask = tensors[`${name}.promptMask`];
  if (promptMask === undefined || !isInt64(promptMask)) throw unfit('its prompt has no mask');
  const hasPooled = tensors[`${name}.pooled`] !== undefined;
  const text = {
    promptEmbeds: floats(tensors, `${name}.promptEmbeds`, 3),
    promptMask,
    ...(hasPooled ? { pooled: floats(tensors, `${name}.pooled`, 2) } : {}),
    ...guideOf(tensors, `${name}.guide`),
  };
  if (tensors[`${name}.known.latent`] === undefined) return text;
  const known = {
    latent: floats(tensors, `${name}.known.latent`, 5),
    mask: floats(tensors, `${name}.known.mask`, 5),
    ...(hold === undefined || hold === null ? {} : { hold }),
  };
  return { ...text, known };
}

function guideOf(tensors: Readonly<Record<string, Tensor>>, name: string): Pick<Conditioning, 'guide'> {
  if (tensors[`${name}.channels`] === undefined) return {};
  const hasTokens = tensors[`${name}.tokens`] !== undefined;
  return {
    guide: {
      channels: floats(tensors, `${name}.channels`, 5),
      ...(hasTokens ? { tokens: floats(tensors, `${name}.tokens`, 3) } : {}),
    },
  };
}

function asShapes(shapes: readonly (readonly number[])[]): number[][] {
  return shapes.map((shape) => [...shape]);
}

function tensorsUnder(tensors: Readonly<Record<string, Tensor>>, prefix: string): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(tensors).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  );
}

function floats(tensors: Readonly<Record<string, Tensor>>, name: string, rank: number): Tensor<'float32'> {
  const found = tensors[name];
  if (found === undefined || !isFloat32(found) || found.shape.length !== rank)
    throw unfit(`its tensor "${name}" is missing or of another kind`);
  return found;
}

function isFloat32(value: Tensor): value is Tensor<'float32'> {
  return isTensor(value) && value.dtype === 'float32';
}

function isInt64(value: Tensor): value is Tensor<'int64'> {
  return isTensor(value) && value.dtype === 'int64';
}

function unfit(why: string): NodeError {
  return new NodeError('latent/not-a-latent', `This is no latent file: ${why}.`, {
    hint: 'Choose a file that "Save latent" made.',
  });
}

/** Over what the file says of itself and of every tensor its name, dtype, shape and bytes. */
function digestOf(text: string, tensors: Readonly<Record<string, Tensor>>): string {
  const hash = createHash('sha256').update(`${text.length}:${text}`);
  const names = Object.keys(tensors).sort();
  for (const name of names) {
    const value = tensors[name];
    if (value === undefined) continue;
    const { dtype, shape, data } = value;
    hash.update(JSON.stringify([name, dtype, shape]));
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
