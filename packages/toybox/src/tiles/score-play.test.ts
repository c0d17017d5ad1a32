import { describe, expect, it } from 'vitest';
import type { Clip } from '../world/clip.ts';
import { draw } from './draw.ts';
import { heldOutPlays } from './held-out-plays.ts';
import { renderPlay } from './render-board.ts';
import { actionCases, scorePlay, sumScores, type Tally } from './score-play.ts';
import { playSpoilings, spoilPlay } from './spoil-play.ts';

const plays = heldOutPlays(16, 64);

function share({ right, of }: Tally): number {
  return right / of;
}

/** Independent noise of `deviation` on every value, the same for a seed. */
function noisy(clip: Clip, deviation: number, seed: number): Clip {
  const frames = clip.frames.map((value, i) => {
    // Sum of three uniforms: near enough to a normal, with a third of the variance of one each.
    const sum = draw(seed, 3 * i) + draw(seed, 3 * i + 1) + draw(seed, 3 * i + 2) - 1.5;
    return Math.min(255, Math.max(0, Math.round(value + sum * 2 * deviation)));
  });
  return { ...clip, frames };
}

describe('the score of actions', () => {
  it('finds nothing wrong with true renders, every kind of action among them', () => {
    const scores = sumScores(
      plays.map(({ start, actions }) => scorePlay({ start, actions, clip: renderPlay(start, actions) })),
    );
    for (const tally of [
      scores.obeyed,
      scores.agent,
      scores.frames,
      scores.kept,
      scores.returned,
      scores.clips,
    ])
      expect(share(tally)).toBe(1);
    for (const name of actionCases) {
      expect(scores.byCase[name].of, name).toBeGreaterThan(15);
      expect(share(scores.byCase[name]), name).toBe(1);
    }
    expect(scores.returned.of).toBeGreaterThan(15);
  });

  it('forgives the noise of a picture at 28 dB', () => {
    const scores = sumScores(
      plays.slice(0, 3).map(({ start, actions, seed }) =>
        // 28 dB of 255 is a deviation of 10.
        scorePlay({ start, actions, clip: noisy(renderPlay(start, actions), 10, seed) }),
      ),
    );
    expect(share(scores.obeyed)).toBeGreaterThanOrEqual(0.99);
    expect(share(scores.frames)).toBeGreaterThanOrEqual(0.99);
  });

  it.each(playSpoilings)('rejects a clip that is %s', (spoiling) => {
    let rejected = 0;
    let spoilt = 0;
    for (const { start, actions, seed } of plays) {
      const clip = spoilPlay(spoiling, start, actions, seed);
      if (clip === undefined) continue;
      spoilt += 1;
      if (!scorePlay({ start, actions, clip }).isRight) rejected += 1;
    }
    expect(spoilt).toBeGreaterThan(12);
    expect(rejected / spoilt).toBeGreaterThanOrEqual(0.95);
  });

  it('gives a frozen clip next to nothing, and one of noise nothing', () => {
    const frozen = sumScores(
      plays.map(({ start, actions }) => {
        const still = renderPlay(start, []);
        const frames = new Uint8Array(still.frames.length * (actions.length + 1));
        for (let f = 0; f <= actions.length; f++) frames.set(still.frames, f * still.frames.length);
        return scorePlay({ start, actions, clip: { ...still, frames, frameCount: actions.length + 1 } });
      }),
    );
    // Waiting and walking into the same wall again need no change.
    expect(share(frozen.obeyed)).toBeLessThan(0.35);
    expect(share(frozen.frames)).toBeLessThan(0.05);
    const random = sumScores(
      plays.slice(0, 2).map(({ start, actions, seed }) => {
        const clip = renderPlay(start, actions);
        const frames = clip.frames.map((_, i) => Math.floor(draw(seed, i) * 256));
        return scorePlay({ start, actions, clip: { ...clip, frames } });
      }),
    );
    expect(share(random.obeyed)).toBe(0);
    expect(share(random.frames)).toBe(0);
  });
});
