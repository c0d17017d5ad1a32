import { describe, expect, it } from 'vitest';
import { clipFault } from './clip-fault.ts';

const rules = { frameRule: { multiple: 4, plus: 1 }, sizeMultiple: 16 };

describe('what a model cannot read', () => {
  it('is told with the way out', () => {
    expect(clipFault({ frameCount: 16, widthPx: 64, heightPx: 64 }, rules)).toMatchObject({
      code: 'clip/frame-count',
      message: 'This model reads clips of 1, 5, 9 … frames; this one has 16.',
      hint: 'Trim it to 13 frames.',
    });
    expect(clipFault({ frameCount: 17, widthPx: 70, heightPx: 64 }, rules)).toMatchObject({
      code: 'clip/size',
      hint: 'Put a Resize clip to 64×64 before it.',
    });
  });

  it('is nothing where it fits, and where nothing is known', () => {
    expect(clipFault({ frameCount: 17, widthPx: 96, heightPx: 64 }, rules)).toBeUndefined();
    expect(clipFault({}, rules)).toBeUndefined();
    expect(clipFault({ frameCount: 16, widthPx: 70, heightPx: 64 }, {})).toBeUndefined();
  });
});
