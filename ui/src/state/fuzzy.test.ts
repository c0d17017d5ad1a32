import { describe, expect, it } from 'vitest';
import { fuzzyFilter, fuzzyScore } from './fuzzy.ts';

const items = [
  { title: 'Decode', words: ['VAE Decode', 'Latent'] },
  { title: 'Denoise', words: ['KSampler', 'sampler', 'Sampling'] },
  { title: 'Load image', words: ['picture', 'Image'] },
  { title: 'Make video', words: ['mux', 'mp4'] },
];
const titles = (query: string): string[] => fuzzyFilter(items, query).map((item) => item.title);

describe('search', () => {
  it('finds by the beginning, by other words, and by first letters', () => {
    expect(titles('de')[0]).toBe('Decode');
    expect(titles('ksampler')[0]).toBe('Denoise');
    expect(titles('vd')[0]).toBe('Decode');
    expect(titles('li')[0]).toBe('Load image');
    expect(titles('mp4')).toEqual(['Make video']);
  });

  it('gives everything in order for nothing, and nothing for nonsense', () => {
    expect(titles('')).toHaveLength(4);
    expect(titles('zzzz')).toEqual([]);
  });

  it('takes letters that mean something in patterns as letters', () => {
    for (const query of ['(', '[', '\\', '.*', '+']) expect(titles(query)).toEqual([]);
  });

  it('prefers whole beginnings to scattered letters', () => {
    expect(fuzzyScore('den', 'Denoise')).toBeGreaterThan(fuzzyScore('den', 'Video edge noise'));
    expect(fuzzyScore('xyz', 'Denoise')).toBe(0);
  });
});
