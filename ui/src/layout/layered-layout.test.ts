import { describe, expect, it } from 'vitest';
import { overlaps } from './geometry.ts';
import { layeredLayout } from './layered-layout.ts';

const box = (id: string, height = 100) => ({ id, width: 200, height });
const edge = (pair: string) => ({ from: pair[0] ?? '', to: pair[1] ?? '' });

function check(nodes: ReturnType<typeof box>[], edges: ReturnType<typeof edge>[]) {
  const places = layeredLayout(nodes, edges);
  expect([...places.keys()].sort()).toEqual(nodes.map((node) => node.id).sort());
  const rects = nodes.map((node) => ({
    x: places.get(node.id)?.[0] ?? 0,
    y: places.get(node.id)?.[1] ?? 0,
    ...node,
  }));
  for (const [index, rect] of rects.entries()) {
    for (const other of rects.slice(index + 1))
      expect(overlaps(rect, other), `${rect.id} and ${other.id} overlap`).toBe(false);
  }
  return places;
}

describe('the tidy layout', () => {
  //  a ─→ b ─→ d
  //   ╲→ c ──╱
  it('puts every node right of all that feed it, and none over another', () => {
    const edges = ['ab', 'ac', 'bd', 'cd'].map(edge);
    const places = check([box('a'), box('b', 300), box('c', 50), box('d')], edges);
    for (const { from, to } of edges) expect(places.get(from)?.[0]).toBeLessThan(places.get(to)?.[0] ?? 0);
    expect(places.get('b')?.[0]).toBe(places.get('c')?.[0]);
  });

  //  a ─→ b ─→ c ←─ s
  it('puts a source beside what uses it', () => {
    const places = check(
      ['a', 'b', 'c', 's'].map((id) => box(id)),
      ['ab', 'bc', 'sc'].map(edge),
    );
    expect(places.get('s')?.[0]).toBe(places.get('b')?.[0]);
  });

  //  a ⇄ b, and c by itself, wired to itself
  it('copes with loops, lone nodes and nothing at all', () => {
    check(
      ['a', 'b', 'c'].map((id) => box(id)),
      ['ab', 'ba', 'cc'].map(edge),
    );
    expect(layeredLayout([], []).size).toBe(0);
  });

  //  a ─→ b ─→ c ─→ d, and a ───────→ d passes b and c
  it('leaves a lane for a wire that passes columns', () => {
    const places = check(
      ['a', 'b', 'c', 'd'].map((id) => box(id)),
      ['ab', 'bc', 'cd', 'ad'].map(edge),
    );
    const middle = (id: string): number => (places.get(id)?.[1] ?? 0) + 50;
    const line = (middle('a') + middle('d')) / 2;
    for (const id of ['b', 'c']) expect(Math.abs(middle(id) - line)).toBeGreaterThan(50);
  });

  //  a ─→ b ─→ c ─→ d ─→ e ─→ f ─→ g ─→ h : too wide to be read as a whole
  it('stacks chains where the row would be too long', () => {
    const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
    const places = check(
      ids.map((id) => box(id)),
      ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh'].map(edge),
    );
    expect(Math.max(...[...places.values()].map(([x]) => x))).toBeLessThan(1000);
  });

  //  n0 ─→ n1 … n7, n7 ─→ n8 … : every node feeds one or two, a thousand in all
  it('lays out a thousand nodes, none over another', () => {
    const nodes = Array.from({ length: 1000 }, (_, index) => box(`n${index}`, 80 + (index % 7) * 40));
    const edges = nodes
      .slice(1)
      .map((node, index) => ({ from: `n${Math.floor((index * 7) / 8)}`, to: node.id }));
    const places = layeredLayout(nodes, edges);
    for (const { from, to } of edges) expect(places.get(from)?.[0]).toBeLessThan(places.get(to)?.[0] ?? 0);
    const inReadingOrder = nodes
      .map((node) => ({ ...node, x: places.get(node.id)?.[0] ?? 0, y: places.get(node.id)?.[1] ?? 0 }))
      .sort((a, b) => a.x - b.x || a.y - b.y);
    // Columns do not overlap and within one the next node begins below the one before.
    for (const [index, node] of inReadingOrder.entries()) {
      const next = inReadingOrder[index + 1];
      if (next) expect(overlaps(node, next), `${node.id} and ${next.id} overlap`).toBe(false);
    }
  });
});
