import type { Workflow } from '@reelgraph/graph';
import { type Catalogue, createCatalogue } from '@reelgraph/host';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Checker, createChecker } from './check-client.ts';

let catalogue: Catalogue;
let checker: Checker;
let checkedHere: number;

beforeAll(async () => {
  catalogue = await createCatalogue([]);
  checkedHere = 0;
  const counted: Catalogue = {
    ...catalogue,
    check: (workflow) => {
      checkedHere += 1;
      return catalogue.check(workflow);
    },
  };
  checker = createChecker(counted, { modelRoots: [], inputRoots: [], nodeModules: [] });
});
afterAll(async () => {
  await checker.close();
  await catalogue.close();
});

/** `count` nodes of a type nobody knows, each of which is an issue. */
function workflow(count: number): Workflow {
  const node = { type: 'nobody-knows', version: 1, params: {} };
  return {
    reelgraph: 1,
    name: 'crowd',
    description: '',
    inputs: {},
    outputs: {},
    nodes: Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, node])),
    edges: [],
    subgraphs: {},
    groups: {},
    comments: {},
    layout: { nodes: {} },
  };
}

it.each([
  { nodes: 3, here: 1 },
  { nodes: 1000, here: 0 },
])('$nodes nodes get the same answer as anywhere, checked on this thread $here times', async (row) => {
  checkedHere = 0;
  const document = workflow(row.nodes);
  expect(await checker.check(document)).toEqual(await catalogue.check(document));
  expect(checkedHere).toBe(row.here);
  expect(await checker.findBlockers(document, ['n1'])).toEqual(
    await catalogue.findBlockers(document, ['n1']),
  );
});
