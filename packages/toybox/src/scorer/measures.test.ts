import { describe, expect, it } from 'vitest';
import {
  absenceOf,
  bounceHeight,
  type Clip,
  fitFall,
  framePsnr,
  isSameCast,
  isWorldFall,
  loopRatio,
  medianFrameChange,
  momentumError,
  radiusDrift,
  randomScene,
  readClip,
  renderScene,
  seamRatio,
  survivalCurve,
} from '../index.ts';
import type { TrackPoint } from './motion.ts';

/** A clip of 1 × 1 gray pixels. */
function grays(...levels: number[]): Clip {
  return {
    frames: Uint8Array.from(levels.flatMap((v) => [v, v, v])),
    frameCount: levels.length,
    width: 1,
    height: 1,
  };
}

const points = (heights: readonly number[]): TrackPoint[] =>
  heights.map((height, frame) => ({ frame, x: 0.5, y: 0.8 - height, radius: 0.1, angle: 0, isCut: false }));

describe('changes between frames', () => {
  it('are measured against the middle one', () => {
    const clip = grays(0, 10, 20, 60, 70);
    expect(medianFrameChange(clip)).toBe(10);
    expect(seamRatio(clip, 3)).toBe(4);
    expect(loopRatio(clip)).toBe(7);
  });

  it('of a clip that stands still count against what can be seen', () => {
    expect(seamRatio(grays(5, 5, 5, 6), 3)).toBe(2);
    expect(loopRatio(grays(5, 5, 5, 5))).toBe(0);
  });
});

it('a frame like the picture has no noise, one that is off by 16 has 24 dB', () => {
  const clip = grays(100, 116);
  const picture = Uint8Array.of(100, 100, 100);
  expect(framePsnr(clip, 0, picture)).toBe(Number.POSITIVE_INFINITY);
  // 20 log10(255 / 16)
  expect(framePsnr(clip, 1, picture)).toBeCloseTo(24.05, 2);
  expect(() => framePsnr(clip, 0, Uint8Array.of(1))).toThrow(RangeError);
});

describe('falls', () => {
  it('of the world are found to be so', () => {
    const fall = fitFall(points(Array.from({ length: 17 }, (_, f) => bounceHeight(0.35, f))))!;
    expect(fall.gravity).toBeCloseTo(0.02, 3);
    expect(fall.restitution).toBeCloseTo(0.8, 1);
    expect(isWorldFall(fall)).toEqual({ gravity: true, restitution: true });
  });

  it('under more gravity are not', () => {
    // Time that runs faster by r is gravity times r².
    const fall = fitFall(points(Array.from({ length: 17 }, (_, f) => bounceHeight(0.35, f * 1.15))))!;
    expect(isWorldFall(fall).gravity).toBe(false);
  });

  it('that are no falls at all are not', () => {
    const fall = fitFall(points(Array.from({ length: 17 }, (_, f) => 0.3 - 0.018 * f)))!;
    expect(isWorldFall(fall).gravity).toBe(false);
  });

  it('need enough frames', () => {
    expect(fitFall(points([0.3, 0.2, 0.1]))).toBeUndefined();
  });
});

it('of absences, those at least so long count', () => {
  const curve = survivalCurve(
    [
      { frames: 2, isBack: true },
      { frames: 4, isBack: false },
    ],
    5,
  );
  expect(curve).toEqual([0.5, 0.5, 0, 0, undefined]);
});

describe('readings', () => {
  const wall = randomScene(2, { kind: 'wall', frameCount: 33 });
  const hidden = readClip(renderScene(wall));

  it('know how long something was hidden, and that it came back', () => {
    const absence = absenceOf(hidden.objects[0]!);
    expect(absence?.isBack).toBe(true);
    expect(absence?.frames).toBeGreaterThanOrEqual(8);
  });

  it('of two halves of a clip show the same cast, of two clips another', () => {
    const other = readClip(renderScene(randomScene(3, { kind: 'wall', frameCount: 33 })));
    expect(isSameCast(hidden, hidden)).toBe(true);
    expect(isSameCast(hidden, other)).toBe(false);
  });

  it('see no drift where there is none, and growth as drift', () => {
    // Centres and radii of true renders are found within a hundredth of the frame.
    expect(radiusDrift(hidden)).toBeLessThan(0.05);
    const growing = randomScene(2, { kind: 'single', fixed: { motion: 'grows' }, isStyled: false });
    expect(radiusDrift(readClip(renderScene(growing)))).toBeGreaterThan(0.5);
  });

  it('of a collision keep its momentum', () => {
    const [a, b] = readClip(renderScene(randomScene(1, { kind: 'collide' }))).objects;
    expect(momentumError(a!, b!)).toBeLessThan(0.1);
  });
});
