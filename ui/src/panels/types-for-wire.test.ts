import { expect, it } from 'vitest';
import { chain, smallCatalogue } from '../testing/small-graph.ts';
import { typesForWire } from './types-for-wire.ts';

const names = (side: 'output' | 'input', end: [string, string]): string[] =>
  typesForWire(chain(), smallCatalogue, { side, end, taken: undefined }).map((info) => info.type);

it('offers the types that take or give what the wire carries', () => {
  expect(names('output', ['noise', 'latent'])).toEqual(['denoise', 'decode']);
  expect(names('output', ['decode', 'frames'])).toEqual(['write']);
  expect(names('input', ['write', 'frames'])).toEqual(['decode']);
});
