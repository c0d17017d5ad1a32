/**
 * The colours, once: the canvas paints with these values and the style sheets read them as custom properties.
 * Neutral greys, because people judge the colour of pictures beside them; one accent. Contrast of text on its
 * surface is at least 4.5:1, of port colours at least 4.6:1 (light) and 7:1 (dark).
 */
import type { PortType } from '@reelgraph/graph';

export type ThemeName = 'dark' | 'light';

export interface Theme {
  readonly canvas: string;
  readonly dot: string;
  readonly surface: string;
  readonly raised: string;
  readonly sunken: string;
  readonly border: string;
  readonly borderStrong: string;
  readonly text: string;
  readonly secondary: string;
  readonly accent: string;
  readonly onAccent: string;
  readonly good: string;
  readonly warning: string;
  readonly danger: string;
  readonly shadow: string;
}

const dark: Theme = {
  canvas: '#17181b',
  dot: '#2a2d33',
  surface: '#1e2024',
  raised: '#24262b',
  sunken: '#1a1b1f',
  border: '#34373e',
  borderStrong: '#6b717c',
  text: '#e4e6ea',
  secondary: '#9aa0aa',
  accent: '#6ea8fe',
  onAccent: '#0b1524',
  good: '#7fc79b',
  warning: '#e6b85c',
  danger: '#ff7b72',
  shadow: '0 8px 28px rgb(0 0 0 / 0.45)',
};

const light: Theme = {
  canvas: '#f3f4f6',
  dot: '#d8dbe1',
  surface: '#fafbfc',
  raised: '#ffffff',
  sunken: '#f1f2f5',
  border: '#d5d8de',
  borderStrong: '#868d99',
  text: '#1d2026',
  secondary: '#5b626d',
  accent: '#1a63d8',
  onAccent: '#ffffff',
  good: '#1f7a45',
  warning: '#8a5a00',
  danger: '#c02b22',
  shadow: '0 8px 28px rgb(20 25 40 / 0.16)',
};

export const themes: Readonly<Record<ThemeName, Theme>> = { dark, light };

type PortColours = Readonly<Record<PortType, string>>;

const portsDark: PortColours = {
  image: '#64b5f6',
  frames: '#64b5f6',
  mask: '#b0bec5',
  video: '#4dd0e1',
  latent: '#f48fb1',
  noise: '#ef9ad0',
  conditioning: '#ffab91',
  text: '#aed581',
  model: '#b39ddb',
  sigmas: '#ffd54f',
  audio: '#80cbc4',
  number: '#a5d6a7',
  integer: '#a5d6a7',
  boolean: '#a5d6a7',
  seed: '#a5d6a7',
  choice: '#a5d6a7',
  shots: '#ff8a80',
  actions: '#ff8a80',
  score: '#ffcc80',
  scene: '#dce775',
};

const portsLight: PortColours = {
  image: '#1567b8',
  frames: '#1567b8',
  mask: '#546470',
  video: '#00707f',
  latent: '#b0306a',
  noise: '#9c2b86',
  conditioning: '#b04a1e',
  text: '#4b7a12',
  model: '#6a3fb0',
  sigmas: '#7d6000',
  audio: '#1d6f67',
  number: '#2f7a36',
  integer: '#2f7a36',
  boolean: '#2f7a36',
  seed: '#2f7a36',
  choice: '#2f7a36',
  shots: '#b3332a',
  actions: '#b3332a',
  score: '#8a5a00',
  scene: '#66700f',
};

export const portColours: Readonly<Record<ThemeName, PortColours>> = { dark: portsDark, light: portsLight };

/** Pictures and their masks are square, lists diamonds, all else round: type is never told by colour alone. */
export function socketShape(type: PortType): 'round' | 'square' | 'diamond' {
  if (type === 'image' || type === 'frames' || type === 'mask' || type === 'video') return 'square';
  if (type === 'sigmas' || type === 'shots' || type === 'actions') return 'diamond';
  return 'round';
}

const categoryHues: Readonly<Record<string, string>> = {
  Model: '#7e6bb8',
  Conditioning: '#b5714a',
  Latent: '#b2557f',
  Sampling: '#a8842c',
  Image: '#3f7fb5',
  Video: '#2f8a96',
  World: '#6b8f2a',
  Output: '#3f8f5f',
  Missing: '#b3453d',
};

/** The hue of a menu category: a small mark in the header, never a filled surface. */
export function categoryHue(category: string): string {
  return categoryHues[category] ?? '#7b828e';
}

/** Hands the theme to the style sheets. */
export function applyTheme(root: HTMLElement, name: ThemeName): void {
  root.dataset['theme'] = name;
  root.style.colorScheme = name;
  for (const [key, value] of Object.entries(themes[name])) root.style.setProperty(`--${key}`, value);
  for (const [type, value] of Object.entries(portColours[name]))
    root.style.setProperty(`--port-${type}`, value);
}
