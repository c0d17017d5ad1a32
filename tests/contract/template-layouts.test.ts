import { readdir, readFile } from 'node:fs/promises';
import { parseWorkflow } from '@reelgraph/graph';
import { describeNode } from '@reelgraph/node-api';
import { builtinNodes } from '@reelgraph/nodes';
import { expect, it } from 'vitest';
import { nodeGeometry, overlaps } from '../../ui/src/layout/geometry.ts';

const folder = new URL('../../workflows/', import.meta.url);
const names = (await readdir(folder)).filter((name) => name.endsWith('.json'));

it.each(names)('no node of %s covers another', async (name) => {
  const parsed = parseWorkflow(await readFile(new URL(name, folder), 'utf8'));
  if (!parsed.ok) throw new Error(`${name} is no workflow`);
  const { nodes, layout } = parsed.workflow;
  const places = Object.entries(layout.nodes).flatMap(([id, [x, y]]) => {
    const definition = builtinNodes.get(nodes[id]?.type ?? '');
    return definition === undefined ? [] : [{ id, x, y, ...nodeGeometry(describeNode(definition)) }];
  });
  expect(places.length).toBe(Object.keys(nodes).length);
  const covered = places.flatMap((one, index) =>
    places
      .slice(index + 1)
      .filter((other) => overlaps(one, other))
      .map((other) => `${one.id} and ${other.id}`),
  );
  expect(covered).toEqual([]);
});
