/** What a check costs at every edit, and what it finds: spoilt workflows by kind of mistake, and good ones. */
import { checkWorkflow } from '@reelgraph/engine';
import type { Workflow } from '@reelgraph/graph';
import { builtinNodes } from '@reelgraph/nodes';
import { shippedContext, shippedWorkflows } from '../../checking/documents.ts';
import { checkSuite, type SpoiltCase } from '../../checking/suite.ts';
import { type BenchSection, median } from '../section.ts';

/** Shipped workflows side by side under numbered names, at least so many nodes. */
export function crowd(nodeCount: number): Workflow {
  const shipped = [...shippedWorkflows().values()];
  const [first] = shipped;
  if (first === undefined) throw new Error('there are no workflows');
  const whole: Workflow = { ...first, inputs: {}, outputs: {}, nodes: {}, edges: [] };
  for (let copy = 0; Object.keys(whole.nodes).length < nodeCount; copy += 1) {
    const { nodes, edges } = shipped[copy % shipped.length] ?? first;
    for (const [id, node] of Object.entries(nodes)) whole.nodes[`${id}${copy}`] = node;
    for (const { from, to } of edges)
      whole.edges.push({ from: [`${from[0]}${copy}`, from[1]], to: [`${to[0]}${copy}`, to[1]] });
  }
  return whole;
}

/** CPU time of this process, so that neighbours on the machine do not count. */
function cpuMs(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const check: BenchSection = async (report) => {
  const context = await shippedContext();
  const good = crowd(500);
  const bad: Workflow = {
    ...good,
    nodes: Object.fromEntries(
      Object.entries(good.nodes).map(([id, node]) =>
        node.type === 'empty-latent' ? [id, { ...node, params: { ...node.params, frames: 80 } }] : [id, node],
      ),
    ),
  };
  const unwired: Workflow = { ...good, edges: good.edges.filter((_, index) => index % 5 !== 0) };
  for (const [name, workflow] of [
    ['without faults', good],
    ['with wrong frame counts', bad],
    ['with every fifth wire gone', unwired],
  ] as const) {
    const nodes = Object.keys(workflow.nodes).length;
    const times = Array.from({ length: 15 }, () =>
      cpuMs(() => checkWorkflow(workflow, builtinNodes, context)),
    );
    const first = times[0] ?? Number.NaN;
    const typical = median(times.slice(1));
    report({
      name: `check of ${nodes} nodes ${name}, CPU time`,
      value: `${typical.toFixed(1)} ms (the first ${first.toFixed(1)} ms)`,
      wanted: '≤ 50 ms',
      met: typical <= 50,
    });
  }

  const suite = await checkSuite();
  const refused = suite.spoilt.filter(({ codes }) => codes.length > 0).length;
  const fixed = suite.spoilt.filter(({ isFixed }) => isFixed).length;
  for (const line of table(suite.spoilt)) report(line);
  report({
    name: `of ${suite.spoilt.length} spoilt workflows refused before a run, with a fix that helps`,
    value: `${refused} refused, ${fixed} with such a fix (${((100 * fixed) / suite.spoilt.length).toFixed(1)} %)`,
    wanted: '≥ 95 %',
    met: fixed >= 0.95 * suite.spoilt.length,
  });
  const wronged = suite.good.filter(({ errors }) => errors.length > 0).length;
  report({
    name: `of ${suite.good.length} good workflows refused`,
    value: String(wronged),
    wanted: '0',
    met: wronged === 0,
  });
};
export default check;

/** One line per kind of mistake. */
function table(cases: readonly SpoiltCase[]): { name: string; value: string }[] {
  return [...Map.groupBy(cases, ({ mutator }) => mutator)].map(([name, list]) => {
    const refused = list.filter(({ codes }) => codes.length > 0).length;
    const fixed = list.filter(({ isFixed }) => isFixed).length;
    const clean = list.filter(({ isFixed, left }) => isFixed && left.length === 0).length;
    return {
      name: `  ${name}`,
      value: `${refused} of ${list.length} refused, ${fixed} mended by the fix offered, ${clean} of them free of errors then`,
    };
  });
}
