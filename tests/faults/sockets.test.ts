import { expect, it } from 'vitest';
import { loadSockets } from './sockets.ts';

it('forty listen, and six more come and go: every event once and in order, or a picture that is right', async () => {
  const outcome = await loadSockets({
    seed: 20261,
    steady: 40,
    restless: 6,
    dead: 2,
    waiting: 20,
    seconds: 4,
    flood: { nodes: 300, runs: 2 },
  });
  expect(outcome).toMatchObject({ told: 40 * 46, outOfOrder: 0, wrongPictures: 0 });
  expect(outcome.returns).toBeGreaterThan(6);
  expect(outcome.snapshots).toBeGreaterThan(0);
}, 120_000);
