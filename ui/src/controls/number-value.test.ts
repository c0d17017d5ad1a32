import { describe, expect, it } from 'vitest';
import { numberRange, readNumber, shareOfRange, snapNumber } from './number-value.ts';

const frames = numberRange({ kind: 'integer', min: 1, max: 81, step: 4 });
const scale = numberRange({ kind: 'number', min: 0, max: 20, step: 0.1 });

describe('a number field', () => {
  it('steps on the grid that begins at the smallest value', () => {
    expect(snapNumber(16, frames)).toBe(17);
    expect(snapNumber(1000, frames)).toBe(81);
    expect(snapNumber(-5, frames)).toBe(1);
    expect(snapNumber(0.1 + 0.2, scale)).toBe(0.3);
  });

  it('reads what is typed, inside the bounds but not on the grid', () => {
    expect(readNumber('18', frames)).toBe(18);
    expect(readNumber('999', frames)).toBe(81);
    expect(readNumber('4,25', scale)).toBe(4.25);
    for (const text of ['', 'abc', '1/2', 'Infinity']) expect(readNumber(text, scale)).toBeUndefined();
  });

  it('finds a fitting step where none is given', () => {
    expect(numberRange({ kind: 'number', min: 0, max: 1 }).step).toBeCloseTo(0.01, 10);
    expect(numberRange({ kind: 'integer', min: 0, max: 1e9 }).step).toBe(1);
  });

  it('shows a bar for ranges a bar can show', () => {
    expect(shareOfRange(41, frames)).toBe(0.5);
    expect(shareOfRange(5, numberRange({ kind: 'integer', min: 0, max: 1e9 }))).toBeUndefined();
  });
});
