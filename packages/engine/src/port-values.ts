/**
 * Values at the border of a node: whether they are what the port says, and what to show of them. Types are
 * erased in the engine, so a wrong value would otherwise surface three nodes later.
 */
import {
  type FileSummary,
  isSeed,
  type OutputSummary,
  type PortFacts,
  type PortType,
  scoreTableSchema,
} from '@reelgraph/graph';
import { z } from 'zod';

/** Shapes are checked, contents are not: a look at every pixel would cost what it protects. */
const tensorOf = (dtype: 'float32' | 'int64', rank: number) =>
  z.custom<{ shape: readonly number[]; data: ArrayBufferView }>(
    (value) => {
      if (
        typeof value !== 'object' ||
        value === null ||
        !('shape' in value) ||
        !('data' in value) ||
        !('dtype' in value)
      )
        return false;
      const { shape, data } = value;
      if (value.dtype !== dtype || !Array.isArray(shape) || shape.length !== rank) return false;
      const length = shape.reduce((product: number, size: unknown) => product * Number(size), 1);
      return dtype === 'float32'
        ? data instanceof Float32Array && data.length === length
        : data instanceof BigInt64Array && data.length === length;
    },
    {
      message: `expected a ${dtype} tensor of ${rank} dimensions whose data has as many elements as its shape says`,
    },
  );

const image5 = tensorOf('float32', 5);
const fileRef = z.object({
  kind: z.literal('file'),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  byteLength: z.number().int().min(0),
  mediaType: z.string(),
  name: z.string(),
});
const modelRef = z.object({
  name: z.string(),
  family: z.string(),
  digest: z.string(),
  variant: z.string().optional(),
  precision: z.string().optional(),
});
const known = z.object({ latent: image5, mask: image5 });
const conditioning = z.object({
  promptEmbeds: tensorOf('float32', 3),
  promptMask: tensorOf('int64', 2),
  known: known.optional(),
});
const noise = z.object({ samples: image5, seed: z.string() });
const unfinished = z.object({
  step: z.number().int().positive(),
  sigmas: z.array(z.number()).min(3),
  sampler: z.string(),
  memory: z.record(z.string(), z.unknown()),
  guidanceScale: z.number(),
  branches: z.array(conditioning).min(1).max(2),
  noise,
  model: modelRef,
  estimate: image5,
});
const latent = z.object({
  samples: image5,
  model: z.string(),
  frameCount: z.number().int().positive(),
  widthPx: z.number().int().positive(),
  heightPx: z.number().int().positive(),
  unfinished: unfinished.optional(),
  file: fileRef.optional(),
});
/** What a clip is read from belongs to the frame service; here it must be data that says what it is. */
const streamed = z.object({
  frameCount: z.number().int().positive(),
  widthPx: z.number().int().positive(),
  heightPx: z.number().int().positive(),
  fps: z.number().positive(),
  source: z.looseObject({ kind: z.string() }),
});
const frames = z.union([z.object({ pixels: image5, fps: z.number().positive() }), streamed]);
const image = z.object({ pixels: image5 });
const mask = z.object({ weights: image5 });
const sigmas = z.object({
  values: z.array(z.number()).min(1),
  stopAfter: z.number().int().positive().optional(),
});
const video = z.object({
  file: fileRef,
  widthPx: z.number(),
  heightPx: z.number(),
  frameCount: z.number(),
  fps: z.number(),
});
const anything = z.custom<unknown>((value) => value !== undefined, {
  message: 'expected a value, found nothing',
});

const schemas: Readonly<Record<PortType, z.ZodType>> = {
  text: z.string(),
  number: z.number(),
  integer: z.number().int(),
  boolean: z.boolean(),
  seed: z.string().refine(isSeed, 'expected a whole number from 0 to 2^64 - 1 as a text'),
  choice: z.string(),
  model: modelRef,
  conditioning,
  noise,
  sigmas,
  latent,
  frames,
  image,
  mask,
  audio: anything,
  video,
  shots: anything,
  actions: anything,
  score: scoreTableSchema,
  scene: anything,
};

/** What is wrong with a value for a port of this type; undefined when nothing is. */
export function valueFault(type: PortType, value: unknown): string | undefined {
  // The common small values without the cost of a schema.
  if (type === 'text' || type === 'choice')
    return typeof value === 'string' ? undefined : `expected a text, found ${kindOf(value)}`;
  if (type === 'number')
    return typeof value === 'number' && Number.isFinite(value)
      ? undefined
      : `expected a number, found ${kindOf(value)}`;
  const parsed = schemas[type].safeParse(value);
  if (parsed.success) return undefined;
  const [first] = parsed.error.issues;
  const place = first === undefined || first.path.length === 0 ? '' : `${first.path.join('.')}: `;
  return `${place}${first?.message ?? 'not fitting'}, found ${kindOf(value)}`;
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? `{ ${Object.keys(value).slice(0, 6).join(', ')} }` : `a ${typeof value}`;
}

const shownText = 300;

/** What people see of a value: facts read from its shape, the file it holds, short texts and numbers as they are. */
export function summarise(type: PortType, value: unknown): OutputSummary {
  switch (type) {
    case 'text':
    case 'number':
    case 'integer':
    case 'boolean':
    case 'seed':
    case 'choice': {
      const text = String(value);
      return { type, facts: {}, text: text.length > shownText ? `${text.slice(0, shownText)}…` : text };
    }
    case 'model': {
      const { name, family, variant, precision } = modelRef.parse(value);
      const facts = {
        model: name,
        family,
        ...(variant === undefined ? {} : { variant }),
        ...(precision === undefined ? {} : { precision }),
      };
      return { type, facts, text: variant === undefined ? name : `${name} (${variant})` };
    }
    case 'latent': {
      const { samples, model, frameCount, widthPx, heightPx, unfinished, file } = latent.parse(value);
      return {
        type,
        facts: {
          model,
          frameCount,
          widthPx,
          heightPx,
          ...count('channels', samples.shape[1]),
          ...(unfinished === undefined
            ? {}
            : { steps: unfinished.sigmas.length - 1, stepsDone: unfinished.step }),
        },
        ...(file === undefined ? {} : { file: fileSummary(file) }),
      };
    }
    case 'noise':
      return { type, facts: count('channels', z.object({ samples: image5 }).parse(value).samples.shape[1]) };
    case 'sigmas': {
      const { values, stopAfter } = sigmas.parse(value);
      const steps = values.length - 1;
      return { type, facts: { ...count('steps', steps), ...count('stepsDone', stopAfter) } };
    }
    case 'frames': {
      const clip = frames.parse(value);
      const [, , frameCount = 0, heightPx = 0, widthPx = 0] =
        'pixels' in clip ? clip.pixels.shape : [1, 3, clip.frameCount, clip.heightPx, clip.widthPx];
      return {
        type,
        facts: {
          fps: clip.fps,
          durationSeconds: frameCount / clip.fps,
          ...count('frameCount', frameCount),
          ...pixelSize([1, 3, frameCount, heightPx, widthPx]),
        },
      };
    }
    case 'image':
      return { type, facts: pixelSize(image.parse(value).pixels.shape) };
    case 'mask': {
      const { shape } = mask.parse(value).weights;
      return { type, facts: { ...count('frameCount', shape[2]), ...pixelSize(shape) } };
    }
    case 'video': {
      const { file, widthPx, heightPx, frameCount, fps } = video.parse(value);
      return {
        type,
        facts: { widthPx, heightPx, frameCount, fps, durationSeconds: frameCount / fps },
        file: fileSummary(file),
      };
    }
    case 'score': {
      const score = scoreTableSchema.parse(value);
      return { type, facts: {}, text: score.summary, score };
    }
    case 'conditioning':
    case 'audio':
    case 'shots':
    case 'actions':
    case 'scene':
      return { type, facts: {} };
  }
}

function fileSummary({ digest, mediaType, byteLength, name }: z.infer<typeof fileRef>): FileSummary {
  return { digest, mediaType, byteLength, name };
}

/** A fact that must be positive, or none. */
function count(
  name: 'channels' | 'steps' | 'stepsDone' | 'frameCount',
  value: number | undefined,
): PortFacts {
  return value === undefined || value < 1 ? {} : { [name]: value };
}

function pixelSize(shape: readonly number[]): PortFacts {
  const [, , , heightPx = 0, widthPx = 0] = shape;
  return heightPx > 0 && widthPx > 0 ? { widthPx, heightPx } : {};
}
