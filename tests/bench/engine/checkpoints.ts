/** What a sampling loop costs beside the model itself while its checkpoints are saved, and what they add. */
import { availableParallelism, loadavg } from 'node:os';
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
  /** From the request to the worker until its answer: the runs, and what the worker does between them. */
  readonly inWorkerMs: number;
  /** On the engine's thread beside it, in what is told of each step. */
  readonly besideMs: number;
}

const defaultRounds = 7;
const steps = 20;

/** The store with checkpoints that can be switched off, and with a look at what saving takes of the thread. */
function observed(store: Store) {
  const seen = { isOn: true, saves: 0, copyingMs: 0 };
  const checkpoints: CheckpointStore = {
    ...store.checkpoints,
    open(key) {
      const slots = store.checkpoints.open(key);
      return {
        ...slots,
        save(checkpoint) {
          if (!seen.isOn) return Promise.resolve();
          const began = performance.now();
          const saving = slots.save(checkpoint);
          seen.copyingMs += performance.now() - began;
          seen.saves += 1;
          return saving;
        },
      };
    },
  };
  return { seen, store: { ...store, checkpoints } };
}

type Sample = NonNullable<ModelService['sample']>;

/** Models with a look at what they are asked to sample, and at what telling of it takes. */
function observedModels(models: ModelService) {
  const seen = { inWorkerMs: 0, besideMs: 0, asked: undefined as Parameters<Sample> | undefined };
  const sample: Sample = async (...call) => {
    const [model, request, onStep, signal] = call;
    seen.asked = call;
    const began = performance.now();
    const told: typeof onStep = (step) => {
      const from = performance.now();
      const saved = onStep(step);
      seen.besideMs += performance.now() - from;
      return saved;
    };
    if (models.sample === undefined) throw new Error('the models do not sample where they run');
    const end = await models.sample(model, request, told, signal);
    seen.inWorkerMs += performance.now() - began;
    return end;
  };
  return { seen, models: { ...models, sample } };
}

const checkpoints: BenchSection = async (report, { count: rounds = defaultRounds }) => {
  let seen = { isOn: true, saves: 0, copyingMs: 0 };
  let watch: ReturnType<typeof observedModels>['seen'] | undefined;
  const { engine, models, taken, close } = await createCapturingEngine({
    withModels: (own) => {
      const watched = observedModels(own);
      watch = watched.seen;
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
    const [workerBefore, besideBefore] = [watch?.inWorkerMs ?? 0, watch?.besideMs ?? 0];
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
    return {
      loopMs: done.durationMs,
      bareMs: sessionMs() - before,
      inWorkerMs: (watch?.inWorkerMs ?? 0) - workerBefore,
      besideMs: (watch?.besideMs ?? 0) - besideBefore,
    };
  }
  /** The runs that the last clip took, each by itself with nothing else to do: time inside `session.run`. */
  async function bare(): Promise<number> {
    if (watch?.asked === undefined) throw new Error('nothing was sampled');
    const [model, { branches, noise, sigmas }, , signal] = watch.asked;
    const before = sessionMs();
    for (const sigma of sigmas.slice(0, -1))
      await models.denoise(model, { sample: noise.samples, sigma, branches }, signal);
    return sessionMs() - before;
  }

  try {
    // Opens sessions and warms caches of the machine; it is not counted.
    await denoise(2000);
    seen.saves = 0;
    seen.copyingMs = 0;
    const ratios = { on: [] as number[], off: [] as number[] };
    const parts = {
      alone: [] as number[],
      between: [] as number[],
      ends: [] as number[],
      beside: [] as number[],
    };
    let loopMs = 0;
    // In turns, so that a machine that is busy for a while is so for both.
    for (let round = 1; round <= rounds; round++) {
      for (const mode of ['on', 'off'] as const) {
        seen.isOn = mode === 'on';
        const one = await denoise(2000 + 2 * round + (seen.isOn ? 0 : 1));
        ratios[mode].push(one.loopMs / one.bareMs);
        if (!seen.isOn) continue;
        loopMs += one.loopMs;
        parts.alone.push(one.loopMs / (await bare()));
        parts.between.push((one.inWorkerMs - one.bareMs) / one.bareMs);
        parts.ends.push((one.loopMs - one.inWorkerMs) / one.bareMs);
        parts.beside.push(one.besideMs / one.bareMs);
      }
    }
    report({
      name: 'load of the machine per core (well above 1, the figures below measure its other work along)',
      value: ((loadavg()[0] ?? Number.NaN) / availableParallelism()).toFixed(1),
    });
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
    const [leastAlone, mostAlone] = [Math.min(...parts.alone), Math.max(...parts.alone)];
    report({
      name: `the same ÷ the time of as many runs by themselves, in turns with it (min ${leastAlone.toFixed(3)}, max ${mostAlone.toFixed(3)})`,
      value: median(parts.alone).toFixed(3),
    });
    report({
      name: 'of it between the runs of the model, in its thread: sampler, guidance, reports',
      value: median(parts.between).toFixed(4),
    });
    report({
      name: 'of it before and after: looking for a checkpoint, sending the work',
      value: median(parts.ends).toFixed(4),
    });
    report({
      name: "beside it, on the engine's thread: events and checkpoints",
      value: median(parts.beside).toFixed(4),
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
