/**
 * Clips that look much like the truth and are wrong in one respect. Each is made from a scene by an edit of
 * the scene, or by splicing frames of two renders; a scorer that lets one pass is too lenient.
 */
import {
  type Body,
  bounceContacts,
  type Clip,
  colourNames,
  exists,
  type HeldOutPrompt,
  motions,
  randomScene,
  renderScene,
  type Scene,
  shapes,
  sizes,
  styles,
  timingOf,
  tones,
  truthOf,
} from '../src/index.ts';

/** A spoilt clip and what was done to it. */
export interface Mutant {
  readonly name: string;
  readonly clip: Clip;
}

type Spoil = (prompt: HeldOutPrompt) => readonly Mutant[];

const frameBytes = (clip: Clip) => clip.width * clip.height * 3;

/** A clip of frames taken from others: `pick` says which clip and which of its frames. */
export function splice(frameCount: number, pick: (f: number) => readonly [clip: Clip, frame: number]): Clip {
  const [{ width, height }] = pick(0);
  const frames = new Uint8Array(frameCount * width * height * 3);
  for (let f = 0; f < frameCount; f++) {
    const [clip, frame] = pick(f);
    const size = frameBytes(clip);
    frames.set(clip.frames.subarray(frame * size, (frame + 1) * size), f * size);
  }
  return { frames, frameCount, width, height };
}

/** The first frame for ever. */
export function frozen(clip: Clip): Clip {
  return splice(clip.frameCount, () => [clip, 0]);
}

/** The same clip backwards. */
export function reversed(clip: Clip): Clip {
  return splice(clip.frameCount, (f) => [clip, clip.frameCount - 1 - f]);
}

/** The same clip, left for right (or top for bottom). */
export function mirrored({ frames, frameCount, width, height }: Clip, axis: 'x' | 'y'): Clip {
  const out = new Uint8Array(frames.length);
  for (let f = 0, to = 0; f < frameCount; f++) {
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, to += 3) {
        const [column, row] = axis === 'x' ? [width - 1 - x, y] : [x, height - 1 - y];
        const from = ((f * height + row) * width + column) * 3;
        for (let k = 0; k < 3; k++) out[to + k] = frames[from + k]!;
      }
    }
  }
  return { frames: out, frameCount, width, height };
}

function edited(scene: Scene, index: number, edit: (body: Body) => Body): Scene {
  return { ...scene, objects: scene.objects.map((body, i) => (i === index ? edit(body) : body)) };
}

/** Frame by frame, each drawn as a scene of its own. */
function animated(scene: Scene, sceneAt: (f: number) => Scene): Clip {
  const frames = Array.from({ length: scene.frameCount }, (_, f) =>
    renderScene({ ...sceneAt(f), frameCount: 1 }),
  );
  return splice(scene.frameCount, (f) => [frames[f]!, 0]);
}

const other = <T>(names: readonly T[], name: T, by: number): T =>
  names[(names.indexOf(name) + 1 + (by % (names.length - 1))) % names.length]!;

const inAnotherColour: Spoil = ({ scene, seed }) =>
  scene.objects.map((_, i) => ({
    name: 'another colour',
    clip: renderScene(
      edited(scene, i, (body) => ({ ...body, colour: other(colourNames, body.colour, seed) })),
    ),
  }));

const inAnotherShape: Spoil = ({ scene }) =>
  shapes.flatMap((shape) => {
    const body = scene.objects[0];
    if (body === undefined || shape === body.shape || !exists(shape, body.motion)) return [];
    return [{ name: 'another shape', clip: renderScene(edited(scene, 0, (old) => ({ ...old, shape }))) }];
  });

/** Width ÷ height of a shape that is out of shape. */
const oblongBy = 1.35;

const oblong: Spoil = ({ scene }) => {
  const body = scene.objects[0];
  if (body === undefined || scene.objects.length !== 1) return [];
  // Drawn in a wider frame, then squeezed into the same one, a shape is narrower than it should be.
  const tall = renderScene(scene, { width: 64, height: 64 });
  const wide = Math.round(64 * oblongBy);
  const clip = splice(scene.frameCount, (f) => [tall, f]);
  const out = new Uint8Array(clip.frames.length);
  for (let i = 0, at = 0; at < out.length; i++, at += 3) {
    const x = i % 64;
    const row = i - x;
    // The middle of the shape stays where it is.
    const centre = truthCentre(scene, Math.floor(i / 4096));
    const from = Math.round(centre + ((x - centre) * wide) / 64);
    const column = Math.min(63, Math.max(0, from));
    for (let k = 0; k < 3; k++) out[at + k] = clip.frames[(row + column) * 3 + k]!;
  }
  return [{ name: 'out of shape', clip: { ...clip, frames: out } }];
};

const centres = new WeakMap<Scene, readonly number[]>();
function truthCentre(scene: Scene, f: number): number {
  let known = centres.get(scene);
  if (known === undefined) {
    known = truthOf(scene).objects[0]!.frames.map(({ x }) => x);
    centres.set(scene, known);
  }
  return known[f]!;
}

const inAnotherSize: Spoil = ({ scene, seed }) => {
  const body = scene.objects[0];
  if (body?.size === undefined || body.size === null) return [];
  const size = other(sizes, body.size, seed);
  const drawn = randomScene(seed, { kind: scene.kind, frameCount: scene.frameCount, fixed: { size } })
    .objects[0];
  if (drawn === undefined || scene.objects.length > 1) return [];
  return [
    {
      name: 'another size',
      clip: renderScene(edited(scene, 0, (old) => ({ ...old, radius: drawn.radius }))),
    },
  ];
};

const inAnotherMotion: Spoil = ({ scene, seed }) => {
  const body = scene.objects[0];
  if (body === undefined || body.motion === 'collides' || scene.kind !== 'single') return [];
  const { shape, colour, background } = { ...body, background: scene.background };
  const size = body.size ?? undefined;
  const from = motions.filter((motion) => motion !== body.motion && exists(shape, motion));
  const motion = from[seed % from.length]!;
  const scenes = randomScene(seed, {
    kind: 'single',
    fixed: { shape, colour, size, motion, background },
    isStyled: false,
  });
  return [{ name: 'another motion', clip: renderScene({ ...scenes, style: scene.style }) }];
};

/** Motions that look the same backwards, or are still. */
const backwardsToo: readonly string[] = [
  'stays still',
  'swings',
  'spins',
  'leaves to the right and comes back',
  'leaves to the left and comes back',
];

const backwards: Spoil = ({ scene }) =>
  backwardsToo.includes(scene.objects[0]?.motion ?? '') || scene.kind !== 'single'
    ? []
    : [{ name: 'played backwards', clip: reversed(renderScene(scene)) }];

const onAnotherBackground: Spoil = ({ scene, seed }) => {
  if (scene.style === 'pencil') return [];
  const names = Object.keys(tones).filter((name): name is keyof typeof tones => name in tones);
  const background = names.filter((name) => name !== scene.background)[seed % 3]!;
  return [{ name: 'another background', clip: renderScene({ ...scene, background }) }];
};

const inAnotherStyle: Spoil = ({ scene, seed }) => {
  // A small ring looks the same flat and outlined.
  const isRing = scene.objects.some(({ shape }) => shape === 'ring');
  const style = other(styles, scene.style, seed);
  return isRing || scene.kind !== 'single'
    ? []
    : [{ name: 'another style', clip: renderScene({ ...scene, style }) }];
};

/** Places for one thing more, as fractions of the frame. */
const corners = [
  [0.14, 0.14],
  [0.86, 0.14],
  [0.14, 0.86],
  [0.86, 0.86],
] as const;

const oneMore: Spoil = ({ scene, seed }) => {
  if (scene.objects.length > 2 || scene.box !== null || scene.wall !== null) return [];
  const { objects } = truthOf(scene);
  const clearance = ([x, y]: readonly [number, number]) =>
    Math.min(
      ...objects.flatMap(({ frames }) =>
        frames.map((pose) => Math.hypot(pose.x / 64 - x, pose.y / 64 - y) - (1.3 * pose.radius) / 64),
      ),
    );
  const place = [...corners].sort((a, b) => clearance(b) - clearance(a))[0]!;
  if (clearance(place) < 0.14) return [];
  const extra: Body = {
    shape: shapes[seed % 5]!,
    colour: colourNames[seed % 8]!,
    size: 'small',
    radius: 0.1,
    motion: 'stays still',
    x: place[0],
    y: place[1],
    vx: 0,
    vy: 0,
    angle: 0,
    spin: 0,
    amount: 0,
    phase: 0,
  };
  return [{ name: 'one shape more', clip: renderScene({ ...scene, objects: [...scene.objects, extra] }) }];
};

const oneLess: Spoil = ({ scene }) =>
  scene.objects.length === 0
    ? []
    : [{ name: 'one shape less', clip: renderScene({ ...scene, objects: scene.objects.slice(1) }) }];

const swapped: Spoil = ({ scene }) => {
  const [a, b] = scene.objects;
  if (a === undefined || b === undefined || scene.objects.length !== 2) return [];
  const mutants: Mutant[] = [];
  const swap = (name: string, edit: (body: Body, from: Body) => Body) =>
    mutants.push({ name, clip: renderScene({ ...scene, objects: [edit(a, b), edit(b, a)] }) });
  if (a.colour !== b.colour) swap('colours swapped', (body, from) => ({ ...body, colour: from.colour }));
  const isFree = exists(a.shape, b.motion) && exists(b.shape, a.motion);
  if (a.shape !== b.shape && isFree) swap('shapes swapped', (body, from) => ({ ...body, shape: from.shape }));
  return mutants;
};

const flipped: Spoil = ({ scene }) => {
  const [a, b] = scene.objects;
  if (a === undefined || b === undefined || scene.relation === null) return [];
  // Two that look the same stand in the same relation either way.
  if (a.colour === b.colour && a.shape === b.shape) return [];
  return [{ name: 'mirrored', clip: mirrored(renderScene(scene), scene.relation === 'left' ? 'x' : 'y') }];
};

const reordered: Spoil = ({ scene }) => {
  const body = scene.objects[0];
  const [first, second] = body?.events ?? [];
  if (body === undefined || first === undefined || second === undefined) return [];
  const { last } = timingOf(scene.frameCount);
  const at = (event: typeof first, half: 0 | 1) =>
    event.what === 'move'
      ? { ...event, from: (last * half) / 2, to: (last * (half + 1)) / 2 }
      : { ...event, from: (last * (half + 0.5)) / 2, to: (last * (half + 0.5)) / 2 };
  return [
    {
      name: 'events in the other order',
      clip: renderScene(edited(scene, 0, (old) => ({ ...old, events: [at(second, 0), at(first, 1)] }))),
    },
  ];
};

/** Whole frames in which a scene hides its one shape. */
function hiddenSpan(scene: Scene): { from: number; to: number } | undefined {
  const hidden = truthOf(scene).events.find(({ what }) => what === 'is hidden');
  return hidden === undefined ? undefined : { from: hidden.from, to: hidden.to };
}

const changedWhileHidden: Spoil = ({ scene, seed }) => {
  const span = hiddenSpan(scene);
  const body = scene.objects[0];
  if (span === undefined || body === undefined) return [];
  const truth = renderScene(scene);
  const middle = Math.floor((span.from + span.to) / 2);
  const then = (name: string, after: Scene): Mutant => {
    const clip = renderScene(after);
    return { name, clip: splice(scene.frameCount, (f) => [f <= middle ? truth : clip, f]) };
  };
  const shape = shapes.filter((name) => name !== body.shape && exists(name, body.motion))[seed % 3]!;
  return [
    then('removed while hidden', { ...scene, objects: [] }),
    then(
      'another colour while hidden',
      edited(scene, 0, (old) => ({ ...old, colour: other(colourNames, old.colour, seed) })),
    ),
    then(
      'another shape while hidden',
      edited(scene, 0, (old) => ({ ...old, shape })),
    ),
  ];
};

/** Heights above the ground of a fall whose gravity changes at frame `from`, by steps of a hundredth frame. */
function fallWith(
  drop: number,
  frameCount: number,
  gravityAt: (f: number) => number,
  keeps: number,
): number[] {
  const heights: number[] = [];
  let height = drop;
  let speed = 0;
  const steps = 100;
  for (let f = 0; f < frameCount; f++) {
    heights.push(height);
    for (let i = 0; i < steps; i++) {
      speed -= gravityAt(f + i / steps) / steps;
      height += speed / steps;
      if (height <= 0 && speed < 0) {
        height = 0;
        speed = Math.abs(speed) < 0.006 ? 0 : -speed * keeps;
      }
    }
  }
  return heights;
}

function falling(scene: Scene, gravityAt: (f: number) => number, keeps: number): Clip | undefined {
  const body = scene.objects[0];
  if (body?.motion !== 'bounces') return undefined;
  const heights = fallWith(body.amount, scene.frameCount, gravityAt, keeps);
  return animated(scene, (f) =>
    edited(scene, 0, (old) => ({ ...old, motion: 'stays still', y: old.y - heights[f]! })),
  );
}

const underOtherGravity: Spoil = ({ scene }) => {
  const [body] = scene.objects;
  const [touch] = body === undefined ? [] : bounceContacts(body.amount, scene.frameCount - 1);
  if (scene.kind !== 'single' || touch === undefined) return [];
  return [
    { name: 'gravity halved in mid-air', clip: falling(scene, (f) => (f > touch + 1 ? 0.01 : 0.02), 0.8) },
    { name: 'a third more gravity', clip: falling(scene, () => 0.027, 0.8) },
    { name: 'a third less gravity', clip: falling(scene, () => 0.0135, 0.8) },
  ].flatMap(({ name, clip }) => (clip === undefined ? [] : [{ name, clip }]));
};

const withOtherBounce: Spoil = ({ scene }) => {
  if (scene.kind !== 'single') return [];
  return [
    { name: 'bounces back half as fast', clip: falling(scene, () => 0.02, 0.5) },
    { name: 'loses nothing when it bounces', clip: falling(scene, () => 0.02, 1) },
  ].flatMap(({ name, clip }) => (clip === undefined ? [] : [{ name, clip }]));
};

const withoutMomentum: Spoil = ({ scene }) => {
  const [a, b] = scene.objects;
  if (scene.kind !== 'collide' || a === undefined || b === undefined) return [];
  const truth = renderScene(scene);
  const still = (body: Body): Body => ({
    ...body,
    motion: 'stays still',
    vx: 0,
    x: body.x + body.vx * body.phase,
  });
  // After the touch one goes back and the other stays where it was.
  const stuck = animated(scene, (f) => {
    const at = (body: Body): Body => ({
      ...still(body),
      x: body.x + body.vx * (f <= body.phase ? f : 2 * body.phase - f),
    });
    return { ...scene, objects: f <= a.phase ? [at(a), at(b)] : [at(a), still(b)] };
  });
  return [
    { name: 'one stays after the touch', clip: stuck },
    {
      name: 'both stay after the touch',
      clip: splice(scene.frameCount, (f) => [truth, Math.min(f, Math.floor(a.phase))]),
    },
  ];
};

const healed: Spoil = ({ scene, seed }) => {
  const body = scene.objects[0];
  if (body === undefined) return [];
  const truth = renderScene(scene);
  const { bite: _bite, paint: _paint, ...plain } = body;
  const without = renderScene({ ...scene, objects: [plain] });
  const { last } = timingOf(scene.frameCount);
  const late = Math.ceil(0.75 * last);
  const kind = scene.kind === 'bite' ? 'bite' : 'line';
  const mutants: Mutant[] = [
    { name: `no ${kind} at all`, clip: without },
    {
      name: `the ${kind} is gone at the end`,
      clip: splice(scene.frameCount, (f) => [f < late ? truth : without, f]),
    },
  ];
  if (body.paint !== undefined) {
    const names = colourNames.filter((name) => name !== body.colour && name !== body.paint);
    const paint = names[seed % names.length]!;
    mutants.push({
      name: 'a line of another colour',
      clip: renderScene(edited(scene, 0, (old) => ({ ...old, paint }))),
    });
  }
  return mutants;
};

const throughAnotherCamera: Spoil = ({ scene }) => {
  if (scene.box !== null) {
    const box = { ...scene.box, turn: -scene.box.turn };
    return [{ name: 'orbits the other way', clip: renderScene({ ...scene, box }) }];
  }
  const opposite = {
    'pans left': 'pans right',
    'pans right': 'pans left',
    'zooms in': 'zooms out',
    'zooms out': 'zooms in',
  } as const;
  if (!(scene.camera in opposite)) return [];
  const camera = opposite[scene.camera as keyof typeof opposite];
  return [
    { name: 'the camera moves the other way', clip: renderScene({ ...scene, camera }) },
    { name: 'the camera stays', clip: renderScene({ ...scene, camera: 'still' }) },
  ];
};

/** Mutants by what they must be caught in. */
export const mutantsOf = {
  colour: [inAnotherColour],
  shape: [inAnotherShape, oblong],
  size: [inAnotherSize],
  motion: [inAnotherMotion, backwards],
  background: [onAnotherBackground],
  style: [inAnotherStyle],
  count: [oneMore, oneLess],
  binding: [swapped, oneMore, oneLess],
  relation: [flipped],
  order: [reordered],
  permanence: [changedWhileHidden],
  gravity: [underOtherGravity],
  restitution: [withOtherBounce],
  momentum: [withoutMomentum],
  change: [healed],
  camera: [throughAnotherCamera],
} as const satisfies Record<string, readonly Spoil[]>;

/** All mutants of a prompt's truth for one score. */
export function mutantsFor(score: keyof typeof mutantsOf, prompt: HeldOutPrompt): Mutant[] {
  return mutantsOf[score].flatMap((spoil) => [...spoil(prompt)]);
}
