import { expect, it } from 'vitest';
import { cancelAtRandom } from './cancels/cancels.ts';

// How long it takes is said by `npm run faults -- cancel`; here it has to happen, and to leave nothing.
it('a cancel ends a run in each phase, also where nobody listens, and leaves no process and no file in the making', {
  timeout: 300_000,
}, async () => {
  const phases = await cancelAtRandom({
    seed: 3,
    count: 2,
    phases: ['sampling', 'mux', 'session.run that never ends', 'a loop without end'],
  });
  expect(
    phases.map(({ phase, recordedMs, quietMs, otherwise }) => [
      phase,
      recordedMs.length,
      quietMs.length,
      otherwise,
    ]),
  ).toEqual([
    ['sampling', 2, 2, []],
    ['mux (ffmpeg)', 2, 2, []],
    ['session.run that never ends', 2, 2, []],
    ['a loop without end in the thread of runs', 2, 2, []],
  ]);
  expect(phases[0]?.mostStepsLost).toBeLessThanOrEqual(1);
});
