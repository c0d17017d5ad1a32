/** What a sampling loop costs beside the model itself: guidance, Euler steps, thread messages, previews, cache. */
import type { RunEvent } from '@reelgraph/graph';
import { createCapturingEngine } from './capture.ts';
import { type BenchSection, median } from './section.ts';
import { textToFrames } from './workflow.ts';

const rounds = 5;

const sampling: BenchSection = async (report) => {
  const { engine, models, taken, close } = await createCapturingEngine();
  try {
    const ratios: number[] = [];
    const steps: number[] = [];
    // The first round opens sessions and warms caches of the machine; it is not counted.
    for (let round = 0; round <= rounds; round++) {
      const before = models.sessionTimes().get('transformer')?.runMs ?? 0;
      const events: RunEvent[] = [];
      let previews = 0;
      await engine.run({
        runId: `bench-${round}`,
        workflow: textToFrames({ 'noise.seed': String(1000 + round) }),
        onEvent: (event) => events.push(event),
        onPreview: () => {
          previews += 1;
        },
      });
      taken();
      const done = events.find((event) => event.type === 'node.finished' && event.nodeId === 'denoise');
      if (done?.type !== 'node.finished')
        throw new Error(`denoise did not finish: ${JSON.stringify(events.at(-1))}`);
      if (previews === 0) throw new Error('no preview was made, so the loop was not the one users run');
      const bareMs = (models.sessionTimes().get('transformer')?.runMs ?? 0) - before;
      if (round === 0) continue;
      ratios.push(done.durationMs / bareMs);
      steps.push(bareMs / 20);
    }
    const ratio = median(ratios);
    report({
      name: 'bare session time per step (20 steps, guided, 17 frames 64×64), median',
      value: `${median(steps).toFixed(1)} ms`,
    });
    report({
      name: `sampling loop ÷ bare session time, previews on, median of ${rounds} (min ${Math.min(...ratios).toFixed(3)}, max ${Math.max(...ratios).toFixed(3)})`,
      value: ratio.toFixed(3),
      wanted: '≤ 1.05',
      met: ratio <= 1.05,
    });
  } finally {
    await close();
  }
};
export default sampling;
