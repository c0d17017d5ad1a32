/** What a sampling loop costs beside the model itself while its checkpoints are saved, and what they add. */
import type { RunEvent } from '@reelgraph/graph';
import type { ModelService } from '@reelgraph/node-api';
import type { CheckpointStore, Store } from '@reelgraph/store';
import { createCapturingEngine } from '../capture.ts';
import { type BenchSection, median } from '../section.ts';
import { textToFrames } from '../workflow.ts';

/** One clip. */
interface Sampled {
  readonly loopMs: number;
  /** Inside `session.run`. */
  readonly bareMs: number;
  /** On the sampling thread, while no session runs. */
  readonly betweenMs: number;
}

const defaultRounds = 7;
const steps = 20;

/** The store with checkpoints that can be switched off, and with a look at what saving takes of the thread. */
function observed(store: Store) {
  const seen = { isOn: true, saves: 0, copyingMs: 0 };
  const checkpoints: CheckpointStore = {
    ...store.checkpoints,
    save(key, checkpoint) {
      if (!seen.isOn) return Promise.resolve();
      const began = performance.now();
      const saving = store.checkpoints.save(key, checkpoint);
      seen.copyingMs += performance.now() - began;
      seen.saves += 1;
      return saving;
    },
  };
  return { seen, store: { ...store, checkpoints } };
}

/** Models with a look at how long the sampling thread keeps them waiting: from an answer to the next call. */
function observedModels(models: ModelService) {
  const seen = { betweenMs: 0, answeredAt: Number.NaN };
  const denoise: ModelService['denoise'] = async (...call) => {
    // The first call of a clip follows no answer.
    if (!Number.isNaN(seen.answeredAt)) seen.betweenMs += performance.now() - seen.answeredAt;
    const answer = await models.denoise(...call);
    seen.answeredAt = performance.now();
    return answer;
  };
  return { seen, models: { ...models, denoise } };
}

const checkpoints: BenchSection = async (report, { count: rounds = defaultRounds }) => {
  let seen = { isOn: true, saves: 0, copyingMs: 0 };
  let waits = { betweenMs: 0, answeredAt: Number.NaN };
  const { engine, models, taken, close } = await createCapturingEngine({
    withModels: (own) => {
      const watched = observedModels(own);
      waits = watched.seen;
      return watched.models;
    },
    withStore: (store) => {
      const watched = observed(store);
      seen = watched.seen;
      return watched.store;
    },
  });
  const sessionMs = () => models.sessionTimes().get('transformer')?.runMs ?? 0;
  async function denoise(seed: number): Promise<Sampled> {
    const before = sessionMs();
    waits.betweenMs = 0;
    waits.answeredAt = Number.NaN;
    const events: RunEvent[] = [];
    await engine.run({
      runId: `bench-${seed}`,
      workflow: textToFrames({ 'noise.seed': String(seed), 'scheduler.steps': steps }),
      onEvent: (event) => events.push(event),
    });
    taken();
    const done = events.find((event) => event.type === 'node.finished' && event.nodeId === 'denoise');
    if (done?.type !== 'node.finished')
      throw new Error(`denoise did not finish: ${JSON.stringify(events.at(-1))}`);
    return { loopMs: done.durationMs, bareMs: sessionMs() - before, betweenMs: waits.betweenMs };
  }

  try {
    // Opens sessions and warms caches of the machine; it is not counted.
    await denoise(2000);
    seen.saves = 0;
    seen.copyingMs = 0;
    const ratios = { on: [] as number[], off: [] as number[] };
    const between: number[] = [];
    let loopMs = 0;
    // In turns, so that a machine that is busy for a while is so for both.
    for (let round = 1; round <= rounds; round++) {
      for (const mode of ['on', 'off'] as const) {
        seen.isOn = mode === 'on';
        const one = await denoise(2000 + 2 * round + (seen.isOn ? 0 : 1));
        ratios[mode].push(one.loopMs / one.bareMs);
        if (!seen.isOn) continue;
        loopMs += one.loopMs;
        between.push(one.betweenMs / one.bareMs);
      }
    }
    const [on, off] = [median(ratios.on), median(ratios.off)];
    const [least, most] = [Math.min(...ratios.on), Math.max(...ratios.on)];
    report({
      name: `sampling loop ÷ bare session time, checkpoints on, median of ${rounds} (min ${least.toFixed(3)}, max ${most.toFixed(3)})`,
      value: on.toFixed(3),
      wanted: '≤ 1.02',
      met: on <= 1.02,
    });
    report({
      name: `the same with checkpoints off, in turns with it, median of ${rounds}`,
      value: off.toFixed(3),
    });
    report({
      name: 'of it between an answer of the model and the next call: sampler, guidance, checkpoint, events',
      value: median(between).toFixed(4),
    });
    const share = seen.copyingMs / loopMs;
    report({
      name: 'time of the sampling thread that saving takes, share of the loop',
      value: `${(100 * share).toFixed(2)} %`,
      wanted: '≤ 2 %',
      met: share <= 0.02,
    });
    report({
      name: `checkpoints saved per clip of ${steps} steps (the last step needs none)`,
      value: (seen.saves / rounds).toFixed(1),
    });
  } finally {
    await close();
  }
};
export default checkpoints;
