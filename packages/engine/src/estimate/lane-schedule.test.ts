import { expect, it } from 'vitest';
import { type ScheduledNode, scheduleLanes } from './lane-schedule.ts';

const node = (durationMs: number, lane: string, ...after: number[]): ScheduledNode => ({
  durationMs,
  lane,
  after,
});
const roomOf = (lane: string): number => (lane === 'cpu' ? 2 : 1);

it('nothing takes no time', () => {
  expect(scheduleLanes([], roomOf)).toEqual({ durationMs: 0, critical: [] });
});

it('branches in different lanes count once', () => {
  //  0 ─ 1 (inference) ─ 3
  //   └─ 2 (cpu) ────────┘
  const nodes = [node(1, 'cpu'), node(10, 'inference', 0), node(7, 'cpu', 0), node(2, 'cpu', 1, 2)];
  expect(scheduleLanes(nodes, roomOf)).toEqual({ durationMs: 13, critical: [0, 1, 3] });
});

it('two nodes for one device come one after the other, and the end waits for both', () => {
  const nodes = [node(5, 'inference'), node(6, 'inference'), node(4, 'inference:other')];
  expect(scheduleLanes(nodes, roomOf)).toEqual({ durationMs: 11, critical: [0, 1] });
});

it('a lane with room for two takes three in two rounds', () => {
  const nodes = [node(5, 'cpu'), node(5, 'cpu'), node(5, 'cpu')];
  expect(scheduleLanes(nodes, roomOf).durationMs).toBe(10);
});
