import { describe, expect, it } from 'vitest';
import { expectShape, fromFunction, isTensor, tensor, zeros } from './create.ts';
import { concatAxis, copyTensor, indexView, reshapeView, sliceAxis } from './views.ts';

const counting = (shape: number[]) => fromFunction(shape, (i) => i);

describe('views', () => {
  it('share bytes when they say so', () => {
    const base = counting([2, 3]);
    const row = indexView(base, 1);
    expect(row.shape).toEqual([3]);
    expect(Array.from(row.data)).toEqual([3, 4, 5]);
    expect(row.data.buffer).toBe(base.data.buffer);
    expect(reshapeView(base, [3, 2]).data).toBe(base.data);
  });

  it('copy otherwise', () => {
    const base = counting([4]);
    const copy = copyTensor(base);
    expect(copy).toEqual(base);
    expect(copy.data.buffer).not.toBe(base.data.buffer);
  });

  it('slices a middle axis', () => {
    const slice = sliceAxis(counting([2, 3, 2]), 1, 1, 3);
    expect(slice.shape).toEqual([2, 2, 2]);
    expect(Array.from(slice.data)).toEqual([2, 3, 4, 5, 8, 9, 10, 11]);
  });

  it('joining the slices of a tensor gives it back', () => {
    const whole = counting([2, 5, 3]);
    expect(concatAxis([sliceAxis(whole, 1, 0, 2), sliceAxis(whole, 1, 2, 5)], 1)).toEqual(whole);
  });

  it('joins int64', () => {
    const a = tensor('int64', [1, 2], BigInt64Array.of(1n, 2n));
    expect(Array.from(concatAxis([a, a], 0).data)).toEqual([1n, 2n, 1n, 2n]);
  });

  it('refuses what does not fit, naming both shapes', () => {
    expect(() => reshapeView(counting([2, 3]), [4, 2])).toThrowError('[2, 3] cannot be seen as [4, 2]');
    expect(() => concatAxis([counting([1, 2]), counting([1, 3])], 0)).toThrowError(
      'Cannot join [1, 3] to [1, 2]',
    );
    expect(() => indexView(counting([2]), 2)).toThrowError('outside the first axis');
    expect(() => tensor('float32', [3], new Float32Array(2))).toThrowError('holds 3 elements');
    expect(() => expectShape(counting([2, 3]), [-1, 4], 'the latent')).toThrowError(
      'the latent expects shape [any, 4], got [2, 3]',
    );
  });
});

describe('isTensor', () => {
  it('knows a tensor from what only looks like one', () => {
    expect(isTensor(zeros('int64', [2]))).toBe(true);
    expect(isTensor({ dtype: 'float32', shape: [2], data: new Float32Array(3) })).toBe(false);
    expect(isTensor({ dtype: 'toString', shape: [], data: [] })).toBe(false);
    expect(isTensor(null)).toBe(false);
  });
});
