import { describe, expect, it } from 'vitest';
import { randomScene } from './random-scene.ts';
import { renderScene } from './render.ts';
import { truthOf } from './truth.ts';
import { colours, gravity, restitution, wallColour } from './words.ts';

const size = { width: 96, height: 64 };

describe('truthOf', () => {
  it('has the colour of a shape at its centre, wherever it is seen', () => {
    for (let seed = 0; seed < 40; seed++) {
      const scene = randomScene(seed, { kind: 'single', fixed: { shape: 'square' }, isStyled: false });
      const { frames } = renderScene(scene, size);
      truthOf(scene, size).objects[0]!.frames.forEach(({ x, y, colour, visible }, f) => {
        if (visible < 0.99) return;
        const at = ((f * size.height + Math.floor(y)) * size.width + Math.floor(x)) * 3;
        expect([...frames.subarray(at, at + 3)], `seed ${seed}, frame ${f}`).toEqual([...colours[colour]]);
      });
    }
  });

  it('sees a shape vanish behind a wall for at least eight frames and come back', () => {
    for (let seed = 0; seed < 20; seed++) {
      const scene = randomScene(seed, { kind: 'wall', frameCount: 33 });
      const truth = truthOf(scene, size);
      const shares = truth.objects[0]!.frames.map((frame) => frame.visible);
      expect(shares[0]).toBeCloseTo(1, 6);
      expect(shares.at(-1)).toBeCloseTo(1, 6);
      const [hidden] = truth.events;
      expect(hidden).toMatchObject({ what: 'is hidden', object: 0 });
      expect(hidden!.to - hidden!.from + 1).toBeGreaterThanOrEqual(8);
      const { frames } = renderScene(scene, size);
      const middle = ((hidden!.from * size.height + 32) * size.width + 48) * 3;
      expect([...frames.subarray(middle, middle + 3)]).toEqual([...wallColour]);
    }
  });

  it('sees a shape leave the frame and come back', () => {
    const fixed = { motion: 'leaves to the left and comes back', size: 'medium' } as const;
    const { objects, events } = truthOf(randomScene(4, { kind: 'single', fixed }), size);
    expect(objects[0]!.frames.map((frame) => frame.visible > 0.98)).toEqual([
      ...[true, true, true],
      ...Array.from({ length: 11 }, () => false),
      ...[true, true, true],
    ]);
    expect(events).toMatchObject([{ what: 'is hidden' }]);
  });

  it('follows the laws of falling and bouncing', () => {
    const scene = randomScene(2, { kind: 'single', fixed: { motion: 'bounces' }, frameCount: 65 });
    const heights = truthOf(scene, size).objects[0]!.frames.map((frame) => -frame.y / size.height);
    const [first, second, third] = heights;
    expect(third! - 2 * second! + first!).toBeCloseTo(-gravity, 9);
    const lands = truthOf(scene, size).events.filter((event) => event.what === 'lands');
    const flights = lands.slice(1).map((event, i) => event.from - lands[i]!.from);
    for (let i = 1; i < flights.length; i++)
      expect(flights[i]! / flights[i - 1]!).toBeCloseTo(restitution, 9);
    expect(flights.length).toBeGreaterThan(3);
  });

  it('keeps momentum when two shapes of one size collide', () => {
    const scene = randomScene(9, { kind: 'collide' });
    const { objects, events } = truthOf(scene, size);
    expect(events).toMatchObject([{ what: 'collides' }, { what: 'collides' }]);
    const [left, right] = objects;
    left!.frames.forEach((frame, f) => {
      expect(frame.x + right!.frames[f]!.x).toBeCloseTo(size.width, 9);
    });
    // They only touch: neither ever hides the other by more than their soft edges.
    for (const frame of left!.frames) expect(frame.visible).toBeGreaterThan(0.98);
  });

  it('tells events, bites and the camera', () => {
    const events = randomScene(6, { kind: 'events' });
    expect(truthOf(events).events.map((event) => event.what)).toEqual(
      events.objects[0]!.events!.map((event) => `${event.what}s`),
    );
    const bitten = randomScene(6, { kind: 'bite' });
    expect(truthOf(bitten).events).toMatchObject([
      { what: 'is bitten', from: bitten.objects[0]!.bite!.from },
    ]);
    const zoomed = { ...randomScene(6, { kind: 'camera' }), camera: 'zooms in' } as const;
    expect(
      truthOf(zoomed)
        .camera.map((view) => view.zoom)
        .at(-1),
    ).toBeCloseTo(1.45, 9);
    const box = randomScene(6, { kind: 'box' });
    expect(truthOf(box).camera[1]!.boxAngle! - truthOf(box).camera[0]!.boxAngle!).toBeCloseTo(
      box.box!.turn,
      9,
    );
  });
});
