/**
 * Every picture that a tile can show, 8 × 8 pixels. A letter of a sprite is a colour: of the theme, or common to
 * all. "_" shows the ground below, "L" is the agent's lamp.
 */
import type { Rgb } from '../world/words.ts';
import { clockPhases, type Facing, facings, type TileTheme, tileThemes } from './tile-world.ts';

/** Pixels along each side of a tile. */
export const tileSidePx = 8;

const themes: Readonly<Record<TileTheme, Readonly<Record<string, Rgb>>>> = {
  meadow: {
    '.': [96, 150, 70],
    ',': [84, 136, 62],
    "'": [40, 96, 44],
    '*': [236, 214, 96],
    '#': [122, 118, 116],
    '=': [84, 80, 82],
    '+': [148, 144, 140],
    c: [120, 76, 36],
    C: [176, 122, 66],
    '~': [52, 104, 190],
    '-': [128, 178, 236],
  },
  desert: {
    '.': [222, 190, 128],
    ',': [208, 174, 112],
    "'": [120, 128, 52],
    '*': [224, 84, 120],
    '#': [168, 92, 62],
    '=': [120, 60, 44],
    '+': [196, 122, 88],
    c: [86, 66, 60],
    C: [134, 110, 98],
    '~': [34, 142, 150],
    '-': [120, 216, 208],
  },
  snow: {
    '.': [228, 234, 242],
    ',': [208, 218, 232],
    "'": [112, 160, 150],
    '*': [180, 40, 60],
    '#': [70, 88, 124],
    '=': [46, 58, 88],
    '+': [104, 124, 162],
    c: [104, 62, 44],
    C: [160, 104, 72],
    '~': [120, 186, 226],
    '-': [190, 232, 255],
  },
  cave: {
    '.': [58, 50, 66],
    ',': [48, 40, 54],
    "'": [70, 132, 124],
    '*': [150, 240, 200],
    '#': [24, 22, 30],
    '=': [10, 10, 14],
    '+': [40, 36, 50],
    c: [150, 96, 40],
    C: [206, 150, 76],
    '~': [188, 66, 24],
    '-': [250, 156, 52],
  },
};

const common: Readonly<Record<string, Rgb>> = {
  o: [240, 196, 40],
  O: [255, 236, 150],
  q: [150, 104, 10],
  A: [206, 52, 72],
  D: [138, 26, 48],
  W: [255, 255, 255],
  K: [20, 16, 28],
  M: [250, 190, 170],
  d: [60, 24, 44],
  '0': [60, 40, 50],
  '1': [250, 130, 30],
  '2': [255, 250, 170],
  '3': [40, 120, 235],
};

type Sprite = readonly string[];

const bare: Sprite = [
  '........',
  '..,.....',
  '......,.',
  '........',
  '.,......',
  '....,...',
  '........',
  '.....,..',
];

const grass: Sprite = [
  "'..'...'",
  "'....'..",
  "..*..'.'",
  "'......'",
  "'...'...",
  "..'..*.'",
  "'.....'.",
  "'.'..'.'",
];

const wall: Sprite = [
  '+++=++++',
  '###=####',
  '###=####',
  '========',
  '+++++++=',
  '#######=',
  '#######=',
  '========',
];

const crate: Sprite = [
  'cccccccc',
  'cCCCCCCc',
  'cCcCCcCc',
  'cCCccCCc',
  'cCCccCCc',
  'cCcCCcCc',
  'cCCCCCCc',
  'cccccccc',
];

const coins: readonly Sprite[] = [
  ['________', '__oooo__', '_oOOooo_', '_oOoooq_', '_oOoooq_', '_oooooq_', '__oqqq__', '________'],
  ['________', '___ooo__', '__oOooq_', '__oOooq_', '__oOooq_', '__oOooq_', '___oqq__', '________'],
  ['________', '___oo___', '___Oq___', '___Oq___', '___Oq___', '___Oq___', '___oq___', '________'],
  ['________', '__ooo___', '_oooOq__', '_oooOq__', '_oooOq__', '_oooOq__', '__oqq___', '________'],
];

const waters: readonly Sprite[] = [
  ['~~~~~~~~', '--~~--~~', '~~--~~--', '~~~~~~~~', '~~~~~~~~', '~--~~--~', '-~~--~~-', '~~~~~~~~'],
  ['~~~~~~~~', '~--~~--~', '-~~--~~-', '~~~~~~~~', '~~~~~~~~', '--~~--~~', '~~--~~--', '~~~~~~~~'],
  ['~~~~~~~~', '~~--~~--', '--~~--~~', '~~~~~~~~', '~~~~~~~~', '-~~--~~-', '~--~~--~', '~~~~~~~~'],
  ['~~~~~~~~', '-~~--~~-', '~--~~--~', '~~~~~~~~', '~~~~~~~~', '~~--~~--', '--~~--~~', '~~~~~~~~'],
];

const agentLeft: Sprite = [
  '___LL___',
  '__AAAAA_',
  '_AWWAAA_',
  'MAKWAAA_',
  '_AAAAAA_',
  '_MMAAAD_',
  '_AAAAAA_',
  '__d__d__',
];

const agents: Readonly<Record<Facing, Sprite>> = {
  left: agentLeft,
  right: agentLeft.map((row) => [...row].reverse().join('')),
  up: ['___LL___', '_AAAAAA_', '_AAAAAA_', '_ADDDDA_', '_AAAAAA_', '_ADDDDA_', '_AAAAAA_', '__d__d__'],
  down: ['___LL___', '_AAAAAA_', '_AWAAWA_', '_AKAAKA_', '_AAAAAA_', '_AMMMMA_', '_AAAAAA_', '__d__d__'],
};

/** What one tile shows. */
export type TilePicture =
  | { readonly kind: 'bare' | 'grass' | 'wall' | 'crate' }
  | { readonly kind: 'coin' | 'water'; readonly phase: number }
  | {
      readonly kind: 'agent';
      readonly ground: 'bare' | 'grass';
      readonly facing: Facing;
      readonly phase: number;
    };

export interface DrawnPicture {
  readonly theme: TileTheme;
  readonly picture: TilePicture;
  /** RGB bytes [8, 8, 3]. */
  readonly pixels: Uint8Array;
}

const grounds = ['bare', 'grass'] as const;

function spriteOf(picture: TilePicture): Sprite {
  const over = (top: Sprite, ground: Sprite): Sprite =>
    top.map((row, r) => row.replace(/_/g, (_, c: number) => ground[r]![c]!));
  switch (picture.kind) {
    case 'bare':
      return bare;
    case 'grass':
      return grass;
    case 'wall':
      return wall;
    case 'crate':
      return crate;
    case 'coin':
      return over(coins[picture.phase]!, bare);
    case 'water':
      return waters[picture.phase]!;
    case 'agent': {
      const lit = agents[picture.facing].map((row) => row.replaceAll('L', `${picture.phase}`));
      return over(lit, picture.ground === 'bare' ? bare : grass);
    }
  }
}

function drawPicture(theme: TileTheme, picture: TilePicture): DrawnPicture {
  const pixels = spriteOf(picture).flatMap((row) =>
    [...row].flatMap((letter) => [...(themes[theme][letter] ?? common[letter]!)]),
  );
  return { theme, picture, pixels: Uint8Array.from(pixels) };
}

function allPictures(): TilePicture[] {
  const phases = Array.from({ length: clockPhases }, (_, phase) => phase);
  return [
    ...(['bare', 'grass', 'wall', 'crate'] as const).map((kind) => ({ kind })),
    ...phases.map((phase) => ({ kind: 'coin', phase }) as const),
    ...phases.map((phase) => ({ kind: 'water', phase }) as const),
    ...grounds.flatMap((ground) =>
      facings.flatMap((facing) => phases.map((phase) => ({ kind: 'agent', ground, facing, phase }) as const)),
    ),
  ];
}

/** All pictures of all themes: per theme bare, grass, wall, crate, 4 of a coin, 4 of water, 32 of the agent. */
export const tilePictures: readonly DrawnPicture[] = tileThemes.flatMap((theme) =>
  allPictures().map((picture) => drawPicture(theme, picture)),
);

/** Pictures of one theme; those of theme n begin at n times this. */
export const picturesPerTheme: number = tilePictures.length / tileThemes.length;

/** The picture of a theme. */
export function tilePicture(theme: TileTheme, picture: TilePicture): DrawnPicture {
  return tilePictures[tileThemes.indexOf(theme) * picturesPerTheme + indexInTheme(picture)]!;
}

function indexInTheme(picture: TilePicture): number {
  switch (picture.kind) {
    case 'bare':
      return 0;
    case 'grass':
      return 1;
    case 'wall':
      return 2;
    case 'crate':
      return 3;
    case 'coin':
      return 4 + picture.phase;
    case 'water':
      return 4 + clockPhases + picture.phase;
    case 'agent': {
      const ground = grounds.indexOf(picture.ground);
      const order = (ground * facings.length + facings.indexOf(picture.facing)) * clockPhases;
      return 4 + 2 * clockPhases + order + picture.phase;
    }
  }
}
