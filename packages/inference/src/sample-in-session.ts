/** All steps of a clip in the thread of the session, so that none of them waits for another thread. */
import { runSampling } from '@reelgraph/diffusion';
import type { Tensor } from '@reelgraph/tensor';
import { type Denoiser, denoiserOf } from './families/denoiser.ts';
import { SafeStepsWait } from './safe-steps.ts';
import type {
  SessionAnswer,
  SessionOutputs,
  SessionRef,
  SessionReport,
  SessionRequest,
} from './session-messages.ts';
import { NoiseSink } from './shared-noise.ts';

/** @throws what `run` and `runSampling` throw; Error when it was stopped */
export async function sampleInSession(
  { id, session, second, family, clip, job, noise, safeSteps }: Extract<SessionRequest, { kind: 'sample' }>,
  run: (session: SessionRef, feeds: Readonly<Record<string, Tensor>>) => Promise<SessionOutputs>,
  report: (step: SessionReport) => void,
): Promise<SessionAnswer> {
  // One for each number of branches: where guidance is off in a step, only the first is asked.
  const denoisers = new Map<number, Denoiser>();
  const denoiserFor = (branches: number): Denoiser => {
    const count = Math.min(branches, clip.branches.length);
    const open =
      denoisers.get(count) ?? denoiserOf(family)({ ...clip, branches: clip.branches.slice(0, count) });
    denoisers.set(count, open);
    return open;
  };
  const sink = new NoiseSink(noise);
  const safe = new SafeStepsWait(safeSteps);
  let reported = 0;
  let runs = 0;
  let runMs = 0;
  const state = await runSampling(job, {
    async velocities(sample, sigma, { timestep, branches, expert }) {
      sink.throwIfStopped();
      const denoiser = denoiserFor(branches);
      const asked = expert === 'second' ? (second ?? session) : session;
      const answer = await run(asked, denoiser.feedsAt(sample, sigma, timestep));
      runs += 1;
      runMs += answer.runMs;
      return denoiser.velocitiesOf(answer.outputs);
    },
    freshNoise: (step) => sink.noiseOf(step),
    onStep({ step, sample, memory, estimateClean }) {
      if (reported > 0) safe.waitFor(reported);
      reported = step;
      report({ kind: 'step', id, state: { step, sample, memory }, clean: estimateClean(), runs, runMs });
      runs = 0;
      runMs = 0;
    },
  });
  return { kind: 'sampled', id, state };
}
