import { expect, it } from 'vitest';
import { isolationOf } from './isolation.ts';
import { badRuns, isolate } from './misbehaving/isolation.ts';
import type { FaultRow } from './piece.ts';

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

it('who waits for a line is told what is being tried', async () => {
  const [bad] = badRuns;
  if (bad === undefined) throw new Error('there are no bad runs');
  const told: string[] = [];
  const rows: FaultRow[] = [];
  const fine: Awaited<ReturnType<typeof isolate>> = {
    status: 'failed',
    error: { code: bad.code, message: 'ended by SIGSEGV' },
    attempts: bad.attempts,
    nextSucceeded: true,
    gapsMs: [100],
    leftovers: [],
    serverLived: true,
  };
  const piece = isolationOf([bad], async () => {
    expect(rows).toEqual([]);
    return fine;
  });
  await piece((row) => rows.push(row), { seed: 1, count: 2, progress: (text) => told.push(text) });
  expect(told).toEqual([`${bad.name}, 1 of 2`, `${bad.name}, 2 of 2`]);
  expect(rows).toMatchObject([{ cases: 2, met: true }]);
});
