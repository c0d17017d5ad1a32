import { expect, test } from 'vitest';
import { createMinHeap } from './min-heap.ts';

test('what is taken comes in order, also between pushes', () => {
  const heap = createMinHeap((value: number) => value);
  // A fixed sequence without repeats: powers of a primitive root of 101.
  const values = Array.from({ length: 100 }, (_, index) => index).reduce<number[]>(
    (made) => [...made, ((made.at(-1) ?? 1) * 2) % 101],
    [],
  );
  for (const value of values.slice(0, 60)) heap.push(value);
  const taken = Array.from({ length: 20 }, () => heap.pop() ?? Number.NaN);
  expect(taken).toEqual(
    values
      .slice(0, 60)
      .sort((a, b) => a - b)
      .slice(0, 20),
  );
  for (const value of values.slice(60)) heap.push(value);
  const rest = Array.from({ length: 80 }, () => heap.pop() ?? Number.NaN);
  const left = values.filter((value) => !taken.includes(value));
  expect(rest).toEqual(left.sort((a, b) => a - b));
  expect([heap.pop(), heap.size]).toEqual([undefined, 0]);
});
