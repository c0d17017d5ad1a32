/** What leaving the model out of steps gains and costs: calls saved, time and error beside it, taken in turns. */
import type { RunEvent } from '@reelgraph/graph';
import { type CapturingEngine, createCapturingEngine } from './capture.ts';
import { type BenchSection, median } from './section.ts';
import { textToFrames } from './workflow.ts';

const rounds = 3;
const thresholds = [0, 0.05, 0.1, 0.2] as const;

const skipping: BenchSection = async (report) => {
  const bench = await createCapturingEngine();
  try {
    const taken = new Map(thresholds.map((threshold) => [threshold, [] as Sampling[]]));
    // The first round opens sessions and warms caches of the machine; it is not counted.
    for (let round = 0; round <= rounds; round++) {
      for (const threshold of thresholds) {
        const sampling = await sample(bench, String(2000 + round), threshold);
        if (round > 0) taken.get(threshold)?.push(sampling);
      }
    }
    const whole = taken.get(0) ?? [];
    for (const threshold of thresholds.slice(1)) {
      const fewer = taken.get(threshold) ?? [];
      const each = (figure: (one: Sampling, all: Sampling) => number): number =>
        median(fewer.map((one, index) => figure(one, whole[index] ?? one)));
      const calls = each((one, all) => all.calls - one.calls);
      const speed = each((one, all) => all.durationMs / one.durationMs);
      const error = each((one, all) => psnr(one.pixels, all.pixels));
      report({
        name: `step skipping ${threshold} against 0 (Euler, guided, 17 frames 64×64), medians of ${rounds} seeds`,
        value: `${calls} of ${whole[0]?.calls} calls saved, ${speed.toFixed(2)} times as fast, ${error.toFixed(1)} dB PSNR`,
      });
    }
  } finally {
    await bench.close();
  }
};
export default skipping;

interface Sampling {
  readonly calls: number;
  readonly durationMs: number;
  readonly pixels: Float32Array;
}

async function sample(
  { engine, models, taken }: CapturingEngine,
  seed: string,
  threshold: number,
): Promise<Sampling> {
  const runs = (): number => models.sessionTimes().get('transformer')?.runs ?? 0;
  const before = runs();
  const events: RunEvent[] = [];
  await engine.run({
    runId: `bench-${seed}-${threshold}`,
    workflow: textToFrames({
      'noise.seed': seed,
      'denoise.skipping': threshold,
      // New grain in every step would leave nothing to skip.
      'denoise.sampler': 'euler',
    }),
    onEvent: (event) => events.push(event),
  });
  const [frames] = taken();
  const done = events.find((event) => event.type === 'node.finished' && event.nodeId === 'denoise');
  if (frames === undefined || done?.type !== 'node.finished')
    throw new Error(`denoise did not finish: ${JSON.stringify(events.at(-1))}`);
  return { calls: runs() - before, durationMs: done.durationMs, pixels: frames.pixels.data };
}

/** In dB, of pixels in [-1, 1]: the peak is 2. */
function psnr(pixels: Float32Array, wanted: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < wanted.length; i++) squares += (pixels[i]! - wanted[i]!) ** 2;
  return 10 * Math.log10(4 / (squares / wanted.length));
}
