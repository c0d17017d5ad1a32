/** Sampling where the model runs: the bits of sampling call by call, seen, stopped and gone on with as there. */
import { fileURLToPath } from 'node:url';
import {
  callsSaved,
  flowSigmas,
  freshNoiseFrom,
  runSampling,
  samplers,
  walksFor,
} from '@reelgraph/diffusion';
import type { ModelRef, SamplingRequest, SamplingState, SamplingStep } from '@reelgraph/node-api';
import { fromFunction, randomNormal, zeros } from '@reelgraph/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createModelService, type ModelServiceHandle } from './model-service.ts';

const fixture = fileURLToPath(new URL('./fixtures/tiny-toybox', import.meta.url));
const never = new AbortController().signal;
const shape = [1, 4, 2, 2, 2];
const noise = { samples: randomNormal('11', shape), seed: '11' };
/** Some places are held, one by half. */
const known = {
  latent: fromFunction(shape, (i) => Math.sin(i)),
  mask: fromFunction([1, 1, 2, 2, 2], (i) => [1, 1, 0.5, 0, 0, 0, 0, 0][i]!),
};

let models: ModelServiceHandle;
let model: ModelRef;
let base: SamplingRequest;
beforeAll(async () => {
  models = await createModelService({ roots: [fixture], threads: 1 });
  model = await models.resolve('tiny-toybox', never);
  const encode = (text: string) => models.encodeText(model, text, never);
  base = {
    sampler: 'euler',
    sigmas: flowSigmas({ steps: 6, shift: 3 }),
    guidanceScale: 3,
    branches: [await encode('a small red circle moves right'), await encode('')],
    noise,
    from: noise.samples,
  };
});
afterAll(() => models.dispose());

interface Walk {
  readonly end: SamplingState;
  readonly steps: readonly (SamplingState & { clean: Float32Array })[];
}

const seen = (steps: Walk['steps'][number][]) => (step: SamplingStep) => {
  const { step: count, sample, memory } = step;
  steps.push({ step: count, sample, memory, clean: step.estimateClean().data });
};

/** With the session: what the denoise node does where models run in a thread. */
async function inSession(request: SamplingRequest, signal = never): Promise<Walk> {
  const steps: Walk['steps'][number][] = [];
  if (models.sample === undefined) throw new Error('the service does not sample');
  return { end: await models.sample(model, request, seen(steps), signal), steps };
}

/** Call by call, as it does elsewhere. */
async function callByCall(request: SamplingRequest): Promise<Walk> {
  const steps: Walk['steps'][number][] = [];
  const { branches, known: held } = request;
  const end = await runSampling(
    { ...request, ...request.rules, noise: noise.samples },
    {
      velocities: (sample, sigma) =>
        models.denoise(
          model,
          { sample, sigma, branches, ...(held === undefined ? {} : { known: held }) },
          never,
        ),
      freshNoise: freshNoiseFrom(noise.seed, shape),
      onStep: seen(steps),
    },
  );
  return { end, steps };
}

const forFlows = samplers.filter((entry) => walksFor(entry, 'flow')).map(({ name }) => name);

describe.each(forFlows)('sampling in the session (%s)', (sampler) => {
  it.each([
    ['guided', {}],
    ['without guidance', { guidanceScale: 1 }],
    ['with known frames', { known }],
    ['to a draft', { stopAfter: 3 }],
    ['with calls left out', { rules: { skipping: 0.5 } }],
  ])('%s gives the bits of sampling call by call, step for step', async (_, change) => {
    const branches = 'guidanceScale' in change ? base.branches.slice(0, 1) : base.branches;
    const request = { ...base, branches, sampler, ...change };
    const walk = await inSession(request);
    expect(walk.steps.map(({ step }) => step)).toEqual(
      'stopAfter' in change ? [1, 2, 3] : [1, 2, 3, 4, 5, 6],
    );
    expect(walk).toEqual(await callByCall(request));
  });

  it('goes on from any step to the same end', async () => {
    const whole = await inSession({ ...base, sampler, known });
    for (const from of whole.steps.slice(0, -1)) {
      const { end } = await inSession({ ...base, sampler, known, from });
      expect(end).toEqual(whole.end);
    }
  });

  it('goes on from any step to the same end with calls left out', async () => {
    const skipping = { ...base, sampler, rules: { skipping: 0.5 } };
    const whole = await inSession(skipping);
    for (const from of whole.steps.slice(0, -1))
      expect((await inSession({ ...skipping, from })).end).toEqual(whole.end);
  });
});

it('leaves calls out in the session, and counts them', async () => {
  const runs = () => models.sessionTimes().get('transformer')?.runs ?? 0;
  const before = runs();
  const { end } = await inSession({ ...base, rules: { skipping: 0.5 } });
  const saved = callsSaved(end.memory);
  expect(saved).toBeGreaterThan(0);
  expect(runs() - before).toBe(6 - saved);
});

describe('a sampling in the session', () => {
  it('rejects with the reason as soon as it is cancelled, is seen no more, and makes room', async () => {
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const counts: number[] = [];
    const before = models.sessionTimes().get('transformer')?.runs ?? 0;
    const sampling = models.sample!(
      model,
      { ...base, sigmas: flowSigmas({ steps: 100_000 }) },
      ({ step }) => {
        counts.push(step);
        if (step === 3) controller.abort(reason);
      },
      controller.signal,
    );
    await expect(sampling).rejects.toBe(reason);
    expect(counts).toEqual([1, 2, 3]);
    // It waits for what is at work before it.
    await expect(models.encodeText(model, 'a red circle', never)).resolves.toBeDefined();
    expect(counts).toEqual([1, 2, 3]);
    expect((models.sessionTimes().get('transformer')?.runs ?? 0) - before).toBe(3);
  });

  it('ends no step before the one before it is saved', async () => {
    const reports: number[] = [];
    const saves: PromiseWithResolvers<void>[] = [];
    const reported = [0, 1, 2, 3, 4, 5].map(() => Promise.withResolvers<void>());
    const sampling = models.sample!(
      model,
      base,
      ({ step }) => {
        reports.push(step);
        const save = Promise.withResolvers<void>();
        saves.push(save);
        reported[step - 1]?.resolve();
        return save.promise;
      },
      never,
    );
    for (const [at, one] of reported.entries()) {
      await one.promise;
      // As long as many steps of this model take; it goes on with the next one and cannot end it.
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(reports).toHaveLength(at + 1);
      saves[at]?.resolve();
    }
    expect((await sampling).step).toBe(6);
  });

  /** Less than a slow disk may hold a sampling up by: who is let go of does not wait for that. */
  const letGoWithin = { timeout: 8_000 };

  it('is cancelled also while it waits for a save', letGoWithin, async () => {
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const sampling = models.sample!(
      model,
      base,
      ({ step }) => {
        if (step === 2) setTimeout(() => controller.abort(reason), 20);
        return step === 2 ? new Promise(() => undefined) : undefined;
      },
      controller.signal,
    );
    await expect(sampling).rejects.toBe(reason);
    await expect(models.encodeText(model, 'a red circle', never)).resolves.toBeDefined();
  });

  it('ends with what saving a step throws', letGoWithin, async () => {
    const broken = new Error('nobody to tell');
    await expect(models.sample!(model, base, () => Promise.reject(broken), never)).rejects.toBe(broken);
    await expect(models.encodeText(model, 'a red circle', never)).resolves.toBeDefined();
  });

  it('lets runs in between its steps', async () => {
    const controller = new AbortController();
    const begun = Promise.withResolvers<void>();
    const sampling = models.sample!(
      model,
      { ...base, sigmas: flowSigmas({ steps: 100_000 }) },
      () => begun.resolve(),
      controller.signal,
    );
    sampling.catch(() => undefined);
    await begun.promise;
    const { promptEmbeds } = await models.encodeText(model, 'a small red circle moves right', never);
    expect(promptEmbeds).toEqual(base.branches[0]!.promptEmbeds);
    controller.abort(new Error('cancelled'));
    await expect(sampling).rejects.toThrowError('cancelled');
  });

  it('is the same when others close and open graphs between its steps', async () => {
    const narrow = await createModelService({ roots: [fixture], threads: 1, openBytes: 0 });
    try {
      const own = await narrow.resolve('tiny-toybox', never);
      const others: Promise<unknown>[] = [];
      const end = await narrow.sample!(
        own,
        base,
        () => void others.push(narrow.encodeText(own, 'a red circle', never)),
        never,
      );
      await Promise.all(others);
      expect(end).toEqual((await inSession(base)).end);
    } finally {
      await narrow.dispose();
    }
  });

  it('is not begun when it was cancelled before', async () => {
    const reason = new Error('cancelled');
    await expect(inSession(base, AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  it('ends with what its watcher throws', async () => {
    const broken = new Error('nobody to tell');
    const sampling = models.sample!(
      model,
      { ...base, sigmas: flowSigmas({ steps: 100_000 }) },
      () => {
        throw broken;
      },
      never,
    );
    await expect(sampling).rejects.toBe(broken);
    await expect(models.encodeText(model, 'a red circle', never)).resolves.toBeDefined();
  });

  it('says what the arithmetic between the runs refuses', async () => {
    await expect(inSession({ ...base, sampler: 'other' })).rejects.toMatchObject({
      name: 'DiffusionError',
      code: 'diffusion/unknown-sampler',
    });
    await expect(inSession({ ...base, sigmas: [1, 2, 0] })).rejects.toMatchObject({
      code: 'diffusion/bad-sigmas',
    });
    const broken = { ...base, from: fromFunction(shape, () => Number.NaN) };
    await expect(inSession(broken)).rejects.toMatchObject({ code: 'diffusion/not-finite' });
  });

  it('says in our words that shapes do not fit', async () => {
    const narrow = { promptEmbeds: zeros('float32', [1, 2, 5]), promptMask: zeros('int64', [1, 2]) };
    await expect(inSession({ ...base, branches: [narrow, base.branches[1]!] })).rejects.toMatchObject({
      code: 'model/wrong-shape',
    });
    const wide = zeros('float32', [1, 7, 2, 2, 2]);
    const other = { ...base, noise: { samples: wide, seed: '1' }, from: wide };
    await expect(inSession(other)).rejects.toMatchObject({
      code: 'model/run-failed',
      message: expect.stringContaining('transformer could not run with hidden_states [2, 7, 2, 2, 2]'),
    });
  });

  it('counts the runs of the model and the time inside them', async () => {
    const before = models.sessionTimes().get('transformer') ?? { runs: 0, runMs: 0 };
    await inSession({ ...base, sampler: 'heun' });
    const after = models.sessionTimes().get('transformer');
    expect(after?.runs).toBe(before.runs + 11);
    expect(after?.runMs).toBeGreaterThan(before.runMs);
  });

  it('ends after the step at work when the service is closed', async () => {
    const own = await createModelService({ roots: [fixture], threads: 1 });
    const begun = Promise.withResolvers<void>();
    const sampling = own.sample!(
      await own.resolve('tiny-toybox', never),
      { ...base, sigmas: flowSigmas({ steps: 100_000 }) },
      () => begun.resolve(),
      never,
    );
    sampling.catch(() => undefined);
    await begun.promise;
    await own.dispose();
    await expect(sampling).rejects.toMatchObject({ code: 'model/worker-lost' });
  });
});
