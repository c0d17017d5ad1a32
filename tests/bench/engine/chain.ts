/** What the executor costs by itself, on chains of nodes that do nothing. */
import { benchChain, type RunTime } from '../../../packages/engine/bench/chain.ts';
import type { BenchSection, Figure } from '../section.ts';

/** The clock beside the processor: on a machine with other work the clock measures that work too. */
function timeFigure(name: string, time: RunTime, limitMs: number, parts = 1): Figure {
  const digits = limitMs < 10 ? 3 : 1;
  const [wallMs, cpuMs] = [time.wallMs / parts, time.cpuMs / parts];
  const value = `${wallMs.toFixed(digits)} ms by the clock, ${cpuMs.toFixed(digits)} ms of processor`;
  return { name, value, wanted: `≤ ${limitMs} ms of processor`, met: cpuMs <= limitMs };
}

/**
 * Between linear (10×) and quadratic (100×): what ten thousand nodes remember outgrows the collector's young generation,
 * which makes the linear executor 15 to 17× (12.7× with a young generation of 64 MiB).
 */
const mostGrowth = 20;

const chain: BenchSection = async (report) => {
  for (const cache of ['memory', 'disk'] as const) {
    const name = cache === 'memory' ? 'results in memory' : 'results on disk';
    await benchChain(100, cache);
    const small = await benchChain(1000, cache);
    const large = await benchChain(10_000, cache);
    for (const { nodes, cold, rerun, restarted } of [small, large]) {
      const of = `chain of ${nodes.toLocaleString('en')}, ${name}`;
      report(timeFigure(`${of}, cold, per node`, cold, cache === 'memory' ? 0.1 : 1, nodes));
      report(timeFigure(`${of}, unchanged rerun`, rerun, nodes / 100));
      if (restarted !== undefined) {
        const value = `${restarted.wallMs.toFixed(1)} ms by the clock, ${restarted.cpuMs.toFixed(1)} ms of processor`;
        report({ name: `${of}, unchanged rerun after a restart`, value });
      }
    }
    for (const part of ['cold', 'rerun'] as const) {
      const growth = large[part].cpuMs / small[part].cpuMs;
      report({
        name: `10,000 nodes ÷ 1,000 nodes, ${name}, ${part}`,
        value: `${growth.toFixed(1)}× of processor`,
        wanted: `≤ ${mostGrowth}×`,
        met: growth <= mostGrowth,
      });
    }
  }
};
export default chain;
