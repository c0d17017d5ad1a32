import { expect, test } from 'vitest';
import { createLanes } from './lanes.ts';

test('E2 a lane lets in as many as it has room for, in the order they came, and no lane waits for another', () => {
  const lanes = createLanes((lane) => (lane === 'cpu' ? 2 : 1));
  const began: string[] = [];
  const enter = (lane: string, name: string) => lanes.enter(lane, () => void began.push(name));
  for (const name of ['a', 'b', 'c', 'd']) enter('cpu', name);
  for (const name of ['x', 'y']) enter('gpu', name);
  expect(began).toEqual(['a', 'b', 'x']);
  lanes.leave('cpu');
  lanes.leave('gpu');
  expect(began).toEqual(['a', 'b', 'x', 'c', 'y']);
});

test('E2 ten thousand that are over at once need no stack', () => {
  const lanes = createLanes(() => 1);
  let over = 0;
  lanes.enter('cpu', () => undefined);
  for (let index = 0; index < 10_000; index += 1) {
    lanes.enter('cpu', () => {
      over += 1;
      lanes.leave('cpu');
    });
  }
  lanes.leave('cpu');
  expect(over).toBe(10_000);
});
