import { expect, it } from 'vitest';
import { badRuns, isolate } from './misbehaving/isolation.ts';

// One of each kind: a crash, an end, one beside a program, a thread held up, native code that never returns. `npm run faults` has them all.
const tried = [
  'native crash while a model is opened',
  'exit in mid-node',
  'crash beside a program that the node started',
  'endless loop in the thread of runs',
  'endless session.run',
];

it.each(badRuns.filter(({ name }) => tried.includes(name)))(
  'a run ends with its reason, the next one succeeds, and nothing stays behind: $name',
  { timeout: 120_000 },
  async (bad) => {
    const { gapsMs, ...seen } = await isolate(bad);
    expect(seen).toEqual({
      status: 'failed',
      error: {
        code: bad.code,
        message: expect.stringMatching(bad.message),
        hint: expect.stringContaining('un again'),
      },
      attempts: bad.attempts,
      nextSucceeded: true,
      leftovers: [],
      serverLived: true,
    });
    expect(gapsMs).toHaveLength(bad.attempts);
  },
);
