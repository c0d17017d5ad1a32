import { describe, expect, it } from 'vitest';
import { nodeAt, wireAt } from './hit-test.ts';
import { pointOnWire, wireBounds, wirePath } from './wire-path.ts';

describe('what is under the pointer', () => {
  const rects = [
    ['below', { x: 0, y: 0, width: 100, height: 100 }],
    ['above', { x: 50, y: 50, width: 100, height: 100 }],
  ] as const;

  it('is the topmost node', () => {
    expect(nodeAt(rects, 10, 10)).toBe('below');
    expect(nodeAt(rects, 75, 75)).toBe('above');
    expect(nodeAt(rects, 200, 10)).toBeUndefined();
  });

  it('is the nearest wire within reach', () => {
    const wires = [
      ['upper', wirePath({ x: 0, y: 0 }, { x: 300, y: 0 })],
      ['lower', wirePath({ x: 0, y: 10 }, { x: 300, y: 10 })],
    ] as const;
    expect(wireAt(wires, 150, 2, 7)).toBe('upper');
    expect(wireAt(wires, 150, 8, 7)).toBe('lower');
    expect(wireAt(wires, 150, 30, 7)).toBeUndefined();
    expect(wireAt(wires, 400, 0, 7)).toBeUndefined();
  });
});

describe('a wire', () => {
  const paths = [
    wirePath({ x: 0, y: 0 }, { x: 400, y: 200 }),
    wirePath({ x: 400, y: 0 }, { x: 0, y: 200 }),
    wirePath({ x: 0, y: 0 }, { x: 10, y: 0 }),
  ];

  it('starts and ends at its sockets and stays inside its bounds', () => {
    for (const path of paths) {
      expect(pointOnWire(path, 0)).toEqual(path.from);
      expect(pointOnWire(path, 1)).toEqual(path.to);
      const bounds = wireBounds(path);
      for (let t = 0; t <= 1; t += 0.05) {
        const { x, y } = pointOnWire(path, t);
        expect(x).toBeGreaterThanOrEqual(bounds.x - 1e-9);
        expect(x).toBeLessThanOrEqual(bounds.x + bounds.width + 1e-9);
        expect(y).toBeGreaterThanOrEqual(bounds.y - 1e-9);
        expect(y).toBeLessThanOrEqual(bounds.y + bounds.height + 1e-9);
      }
    }
  });

  it('is hit anywhere along its curve', () => {
    for (const path of paths) {
      for (let t = 0; t <= 1; t += 0.1) {
        const { x, y } = pointOnWire(path, t);
        expect(wireAt([['wire', path]], x, y, 3)).toBe('wire');
      }
    }
  });
});
