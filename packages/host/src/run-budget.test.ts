import { expect, it } from 'vitest';
import { budgetOf, parseDuration } from './run-budget.ts';

it.each([
  ['90', 90_000],
  ['90s', 90_000],
  ['5m', 300_000],
  ['5 min', 300_000],
  ['1h30m', 5_400_000],
  ['1.5 h', 5_400_000],
  ['0.001s', 1],
])('"%s" is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBeCloseTo(ms);
});

it.each(['', 'soon', '5x', '-3s', '5m later', 'm'])('"%s" is no duration', (text) => {
  expect(parseDuration(text)).toBeUndefined();
});

it('options go before the environment, and silence is no limit', () => {
  const env = { REELGRAPH_MAX_TIME: '1h', REELGRAPH_MAX_MEMORY: '2G', REELGRAPH_MAX_DISK: '' };
  expect(budgetOf({ maxTime: '5m' }, env)).toEqual({ timeMs: 300_000, memoryBytes: 2 * 1024 ** 3 });
  expect(budgetOf({}, {})).toEqual({});
});

it('what cannot be read is refused by the name that it was given under', () => {
  expect(() => budgetOf({ maxDisk: 'plenty' }, {})).toThrow('--max-disk is "plenty"');
  expect(() => budgetOf({}, { REELGRAPH_MAX_MEMORY: 'lots' })).toThrow('REELGRAPH_MAX_MEMORY is "lots"');
  expect(() => budgetOf({ maxTime: '0' }, {})).toThrow(RangeError);
});
