import { describe, expect, test } from 'vitest';
import { ancestorsOf, descendantsOf, findCycles, type TopologyEdge, topologicalOrder } from './topology.ts';

function edges(...lines: string[]): TopologyEdge[] {
  return lines.map((line) => {
    const [from = '', to = ''] = line.split(' ');
    return { from: [from, 'out'], to: [to, 'in'] };
  });
}

describe('order', () => {
  //  a ──> c ──> d
  //  b ────┘     │
  //  e <─────────┘
  const diamond = edges('a c', 'b c', 'c d', 'd e');

  test('T1 every node comes after what it needs, ties in the given order', () => {
    expect(topologicalOrder(['e', 'd', 'c', 'b', 'a'], diamond)).toEqual({
      ok: true,
      order: ['b', 'a', 'c', 'd', 'e'],
    });
  });

  test('T1 ancestors and descendants include the start', () => {
    expect([...ancestorsOf(['c'], diamond)].sort()).toEqual(['a', 'b', 'c']);
    expect([...descendantsOf(['c'], diamond)].sort()).toEqual(['c', 'd', 'e']);
  });

  test('T1 loops are found apart from what hangs on them', () => {
    const graph = edges('a b', 'b a', 'b c', 'c d', 'd d', 'x y');
    expect(topologicalOrder(['a', 'b', 'c', 'd', 'x', 'y'], graph)).toEqual({
      ok: false,
      cycles: [['d'], ['a', 'b']],
    });
    expect(findCycles(['x', 'y'], graph)).toEqual([]);
  });

  test('T1 thirty thousand nodes in a row need no stack', () => {
    const ids = Array.from({ length: 30_000 }, (_, index) => `n${index}`);
    const chain = ids
      .slice(1)
      .map((id, index): TopologyEdge => ({ from: [`n${index}`, 'out'], to: [id, 'in'] }));
    expect(topologicalOrder(ids, chain)).toMatchObject({ ok: true });
    expect(findCycles(ids, [...chain, { from: ['n29999', 'out'], to: ['n0', 'in'] }])[0]?.length).toBe(
      30_000,
    );
  });

  test('T1 random graphs: an order exists exactly when no loop is found', () => {
    let state = 7;
    const next = (limit: number): number => {
      state = (state * 48271) % 2147483647;
      return state % limit;
    };
    let withLoop = 0;
    for (let round = 0; round < 500; round += 1) {
      const ids = Array.from({ length: 8 }, (_, index) => `n${index}`);
      const graph = Array.from(
        { length: 2 + next(10) },
        (): TopologyEdge => ({ from: [`n${next(8)}`, 'out'], to: [`n${next(8)}`, 'in'] }),
      );
      const sorted = topologicalOrder(ids, graph);
      if (!sorted.ok) {
        withLoop += 1;
        // Every node of a loop reaches every other.
        for (const cycle of sorted.cycles) {
          for (const id of cycle)
            expect([...descendantsOf([id], graph)]).toEqual(expect.arrayContaining([...cycle]));
        }
        expect(sorted.cycles.length).toBeGreaterThan(0);
      } else
        for (const { from, to } of graph)
          expect(sorted.order.indexOf(from[0])).toBeLessThan(sorted.order.indexOf(to[0]));
    }
    expect(withLoop).toBeGreaterThan(50);
  });
});
