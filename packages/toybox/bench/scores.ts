/** The scores of the bench: what each looks at, which prompts it is about, and what is wanted of the model. */
import {
  type Agreement,
  absenceOf,
  type Clip,
  compareWithCaption,
  fitFall,
  type HeldOutPrompt,
  isWorldFall,
  momentumError,
  type Reading,
  readClip,
} from '../src/index.ts';
import type { mutantsOf } from './mutants.ts';

/** A clip that was read and compared. */
export interface Judged {
  readonly prompt: HeldOutPrompt;
  readonly clip: Clip;
  readonly reading: Reading;
  readonly agreement: Agreement;
}

/** Reads a clip and holds it against a prompt. */
export function judge(prompt: HeldOutPrompt, clip: Clip): Judged {
  const reading = readClip(clip);
  return { prompt, clip, reading, agreement: compareWithCaption(reading, prompt.caption) };
}

/** One line of the bench. */
export interface Score {
  readonly name: string;
  readonly isAbout: (prompt: HeldOutPrompt) => boolean;
  readonly isRight: (judged: Judged) => boolean;
  readonly mutants: keyof typeof mutantsOf | undefined;
  /** Least rate wanted of the base model and of the few-step one. */
  readonly wanted: { readonly base?: number; readonly fast?: number };
}

const isSingle = ({ kind }: HeldOutPrompt) => kind === 'single';
const isPair = ({ kind }: HeldOutPrompt) => kind === 'pair';
const motionOf = ({ scene }: HeldOutPrompt) => scene.objects[0]?.motion ?? '';
const isBounce = (prompt: HeldOutPrompt) => isSingle(prompt) && motionOf(prompt) === 'bounces';
const firstPath = ({ reading }: Judged) =>
  reading.objects[0]?.track.filter((point) => point !== undefined) ?? [];

/** Frames that something must be hidden for to count as an absence. */
export const leastHiddenFrames = 8;

/** Whether the one shape of a clip was gone for long enough and came back as it was. */
export function cameBack({ reading, agreement }: Judged): boolean {
  const [object] = reading.objects;
  const absence = object === undefined ? undefined : absenceOf(object);
  return (
    agreement.shape === true &&
    agreement.colour === true &&
    absence?.isBack === true &&
    absence.frames >= leastHiddenFrames
  );
}

function fallOf(judged: Judged) {
  const fall = judged.reading.objects.length === 1 ? fitFall(firstPath(judged)) : undefined;
  return fall === undefined ? { gravity: false, restitution: false } : isWorldFall(fall);
}

/** Momentum that may be lost in a collision ÷ the speed at which two shapes meet. */
const mostMomentumLost = 0.25;

/** Every score, in the order of the table. */
export const scores: readonly Score[] = [
  {
    name: 'colour, single object',
    isAbout: isSingle,
    isRight: ({ agreement }) => agreement.colour === true,
    mutants: 'colour',
    wanted: { base: 0.95, fast: 0.92 },
  },
  {
    name: 'shape, single object',
    isAbout: isSingle,
    isRight: ({ agreement }) => agreement.shape === true,
    mutants: 'shape',
    wanted: { base: 0.95, fast: 0.92 },
  },
  {
    name: 'background, single object',
    isAbout: ({ kind, scene }) => kind === 'single' && scene.style !== 'pencil',
    isRight: ({ agreement }) => agreement.background === true,
    mutants: 'background',
    wanted: { base: 0.95, fast: 0.92 },
  },
  {
    name: 'size, single object',
    isAbout: (prompt) => isSingle(prompt) && prompt.scene.objects[0]?.size !== null,
    isRight: ({ agreement }) => agreement.size === true,
    mutants: 'size',
    wanted: {},
  },
  {
    name: 'motion direction',
    isAbout: (prompt) => isSingle(prompt) && /^(moves|rolls|leaves)/.test(motionOf(prompt)),
    isRight: ({ agreement }) => agreement.motion === true,
    mutants: 'motion',
    wanted: { base: 0.95, fast: 0.92 },
  },
  {
    name: 'motion, all kinds',
    isAbout: isSingle,
    isRight: ({ agreement }) => agreement.motion === true,
    mutants: 'motion',
    wanted: {},
  },
  {
    name: 'style, single object',
    isAbout: isSingle,
    isRight: ({ agreement }) => agreement.style === true,
    mutants: 'style',
    wanted: {},
  },
  {
    name: 'count',
    isAbout: () => true,
    isRight: ({ agreement }) => agreement.count === true,
    mutants: 'count',
    wanted: {},
  },
  {
    name: 'two objects, all bound right',
    isAbout: isPair,
    isRight: ({ agreement }) => agreement.all === true,
    mutants: 'binding',
    wanted: { base: 0.8, fast: 0.7 },
  },
  {
    name: 'left/right, above/below',
    isAbout: isPair,
    isRight: ({ agreement }) => agreement.relation === true && agreement.count === true,
    mutants: 'relation',
    wanted: { base: 0.9 },
  },
  {
    name: 'order of two events',
    isAbout: ({ kind }) => kind === 'events',
    isRight: ({ agreement }) => agreement.order === true && agreement.colour === true,
    mutants: 'order',
    wanted: { base: 0.8 },
  },
  {
    name: 'hidden 8 frames, back the same',
    isAbout: ({ kind }) => kind === 'wall',
    isRight: cameBack,
    mutants: 'permanence',
    wanted: { base: 0.85 },
  },
  {
    name: 'bounce: gravity within 10 %',
    isAbout: isBounce,
    isRight: (judged) => fallOf(judged).gravity,
    mutants: 'gravity',
    wanted: {},
  },
  {
    name: 'bounce: restitution within 15 %',
    isAbout: isBounce,
    isRight: (judged) => fallOf(judged).restitution,
    mutants: 'restitution',
    wanted: {},
  },
  {
    name: 'collision keeps momentum',
    isAbout: ({ kind }) => kind === 'collide',
    isRight: ({ agreement, reading }) => {
      const [a, b] = reading.objects;
      const lost = a === undefined || b === undefined ? undefined : momentumError(a, b);
      return agreement.motion === true && lost !== undefined && lost <= mostMomentumLost;
    },
    mutants: 'momentum',
    wanted: {},
  },
  {
    name: 'bite or paint stays',
    isAbout: ({ kind }) => kind === 'bite' || kind === 'paint',
    isRight: ({ agreement }) => agreement.change === true,
    mutants: 'change',
    wanted: {},
  },
  {
    name: 'nothing changes that should not (control)',
    isAbout: ({ kind, scene }) => kind === 'single' && scene.objects[0]?.shape === 'circle',
    isRight: ({ agreement }) => agreement.change === true,
    mutants: undefined,
    wanted: {},
  },
  {
    name: 'camera',
    isAbout: ({ kind }) => kind === 'camera' || kind === 'box',
    isRight: ({ agreement }) => agreement.camera === true,
    mutants: 'camera',
    wanted: {},
  },
  {
    name: 'everything the prompt says',
    isAbout: () => true,
    isRight: ({ agreement }) => agreement.all === true,
    mutants: undefined,
    wanted: {},
  },
];
