import { expect, it } from 'vitest';
import { parseSeed, randomSeed } from './seeds.ts';

it('reads 64-bit unsigned integers and nothing else', () => {
  expect(parseSeed(' 0042 ')).toBe('42');
  expect(parseSeed('18446744073709551615')).toBe('18446744073709551615');
  for (const text of ['', '-1', '1.5', '1e3', '18446744073709551616', 'abc'])
    expect(parseSeed(text)).toBeUndefined();
});

it('draws seeds that can be read back', () => {
  const seed = randomSeed((words) => words.fill(4294967295));
  expect(seed).toBe('4294967295');
  expect(parseSeed(seed)).toBe(seed);
});
