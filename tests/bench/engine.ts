/** What the executor costs by itself, on chains of nodes that do nothing. */
import { benchChain, type ChainFigures } from '../../packages/engine/bench/chain.ts';
import checkpoints from './engine-checkpoints.ts';
import type { BenchSection } from './section.ts';

const engine: BenchSection = async (report, options) => {
  if (options.only === undefined || options.only === 'checkpoints') await checkpoints(report, options);
  if (options.only !== undefined && options.only !== 'chain') return;
  for (const cache of ['memory', 'disk'] as const) {
    const name = cache === 'memory' ? 'results in memory' : 'results on disk';
    await benchChain(100, cache);
    const small: ChainFigures = await benchChain(1000, cache);
    report({
      name: `chain of 1,000, ${name}, cold, per node`,
      value: `${small.coldMsPerNode.toFixed(3)} ms`,
      ...(cache === 'memory' ? { wanted: '≤ 0.5 ms', met: small.coldMsPerNode <= 0.5 } : {}),
    });
    report({
      name: `chain of 1,000, ${name}, unchanged rerun`,
      value: `${small.rerunMs.toFixed(1)} ms`,
      wanted: '≤ 30 ms',
      met: small.rerunMs <= 30,
    });
    if (small.restartedRerunMs !== undefined) {
      report({
        name: 'chain of 1,000, unchanged rerun after a restart',
        value: `${small.restartedRerunMs.toFixed(1)} ms`,
      });
    }
    const large = await benchChain(10_000, cache);
    const growth = large.coldMsPerNode / small.coldMsPerNode;
    report({
      name: `10,000 nodes ÷ 1,000 nodes, ${name}, cold`,
      value: `${(10 * growth).toFixed(1)}×`,
      wanted: '≤ 12×',
      met: 10 * growth <= 12,
    });
    report({
      name: `10,000 nodes ÷ 1,000 nodes, ${name}, rerun`,
      value: `${(large.rerunMs / small.rerunMs).toFixed(1)}×`,
      wanted: '≤ 12×',
      met: large.rerunMs / small.rerunMs <= 12,
    });
  }
};
export default engine;
