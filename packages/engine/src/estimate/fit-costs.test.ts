import { expect, it } from 'vitest';
import { fitCosts, type Measurement, maxColumns } from './fit-costs.ts';

const light = [0.01, 0.0001, 0.001];
const of = (amounts: readonly number[], costs: readonly number[], factor = 1): Measurement => ({
  amounts,
  total: factor * amounts.reduce((sum, amount, column) => sum + amount * (costs[column] ?? 0), 0),
  weight: 1,
});

it('finds the costs behind exact measurements', () => {
  const truth = [50, 2, 0.01];
  const measurements = [1, 4, 9, 20, 60].map((amount) => of([1, amount, amount * amount], truth));
  const costs = fitCosts(measurements, light);
  for (const [column, cost] of truth.entries())
    expect(costs[column]).toBeCloseTo(cost, -Math.log10(cost / 5));
});

it('gives no column a negative cost, also where that would fit better', () => {
  // Falls with the amount, which no cost can.
  const measurements = [1, 2, 3, 4].map((amount) => ({
    amounts: [1, amount],
    total: 10 - amount,
    weight: 1,
  }));
  const costs = fitCosts(measurements, [0.01, 0.0001]);
  expect(costs[1]).toBe(0);
  expect(costs[0]).toBeGreaterThan(5);
});

it('one sample is laid to the column that most likely causes it', () => {
  const [fixed = 1, main = 0] = fitCosts([{ amounts: [1, 100], total: 500, weight: 1 }], [0.01, 0.0001]);
  expect(main * 100).toBeGreaterThan(0.95 * 500);
  expect(fixed).toBeLessThan(0.05 * 500);
});

it('what one sample cannot tell is not laid to a cost that would run away with the size', () => {
  // places and their square: at a hundred times the size a trace of the second would be all that counts.
  const costs = fitCosts([{ amounts: [1, 320, 320 ** 2], total: 600, weight: 1 }], light);
  expect(costs[2]).toBe(0);
  expect(((costs[0] ?? 0) + (costs[1] ?? 0) * 32_000) / 60_000).toBeLessThan(1.1);
});

it('an outlier moves little', () => {
  const truth = [20, 3];
  const amounts = [10, 20, 30, 40, 50, 60];
  const measurements = amounts.map((amount, index) => of([1, amount], truth, index === 3 ? 5 : 1));
  const [, main = 0] = fitCosts(measurements, [0.01, 0.0001]);
  expect(Math.abs(main / 3 - 1)).toBeLessThan(0.1);
});

it('a column that no measurement has costs nothing', () => {
  expect(fitCosts([{ amounts: [1, 0], total: 7, weight: 1 }], [0.0001, 0.0001])[1]).toBe(0);
});

it('refuses more columns than it can try', () => {
  const penalties = Array<number>(maxColumns + 1).fill(1);
  expect(() => fitCosts([{ amounts: penalties, total: 1, weight: 1 }], penalties)).toThrow(RangeError);
});
