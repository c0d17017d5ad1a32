import { describe, expect, it } from 'vitest';
import { type ExtensionPlan, givenLatents, planExtension } from './extension.ts';
import { fitsFrameRule, latentFrameCount, pixelFramesOfLatent } from './frame-rule.ts';

const rule = { multiple: 4, plus: 1 };
const plan = (
  newFrames: number,
  clips: { beforeFrames?: number; afterFrames?: number },
  contextFrames = 9,
): ExtensionPlan => planExtension({ newFrames, contextFrames, ...clips }, rule);

describe('planning an extension', () => {
  // given 17:              8 … 16
  // strip 17:              0 …  8 | 9 … 16         the last 8 are new
  it('goes on from the last frames of a clip', () => {
    expect(plan(8, { beforeFrames: 17 })).toEqual({
      frameCount: 17,
      leadFrames: 9,
      tailFrames: 0,
      before: { start: 8, count: 9 },
    });
  });

  // strip 17:   0 … 7 | 8 | 9 … 16                 the first 8 are new, frame 8 stands for the given frame 0
  // given 17:           0 | 1 …  8
  it('leads to the first frames of a clip, leaving out the frame that its first latent frame holds', () => {
    const back = plan(8, { afterFrames: 17 });
    expect(back).toEqual({
      frameCount: 17,
      leadFrames: 0,
      tailFrames: 9,
      after: { start: 0, count: 9, dropLatents: 1 },
    });
    expect(givenLatents(back, rule)).toEqual({ before: 0, after: 2 });
    // The strip's last two latent frames stand for its frames 9 to 16, which are frames 1 to 8 of the clip.
    expect(pixelFramesOfLatent(3, rule)).toEqual([9, 12]);
  });

  it('cuts what is made beyond the frames wanted, away from the clip', () => {
    expect(plan(6, { beforeFrames: 17 })).toMatchObject({ frameCount: 17, leadFrames: 9, tailFrames: 2 });
    expect(plan(6, { afterFrames: 17 })).toMatchObject({ frameCount: 17, leadFrames: 2, tailFrames: 9 });
  });

  // strip:  0 … 8 | 9 … 15 | 16 | 17 … 24          7 new; known: 9 frames of one clip, frames 1 to 8 of the other
  it('fills a gap of 4j - 1 frames with the other clip known from its frame 1 on', () => {
    expect(plan(7, { beforeFrames: 17, afterFrames: 17 })).toEqual({
      frameCount: 25,
      leadFrames: 9,
      tailFrames: 9,
      before: { start: 8, count: 9 },
      after: { start: 0, count: 9, dropLatents: 1 },
    });
  });

  it('fills any other gap by knowing the other clip a few frames later', () => {
    // 8 new: the known latent frames begin 3 frames later, at frame 4; frames 0 to 3 are made and replaced.
    expect(plan(8, { beforeFrames: 17, afterFrames: 17 }, 12)).toMatchObject({
      leadFrames: 9,
      tailFrames: 12,
      after: { start: 3, count: 9 },
    });
  });

  it('uses what there is of a short clip, and a single frame before', () => {
    expect(plan(8, { beforeFrames: 6 })).toMatchObject({ leadFrames: 5, before: { start: 1, count: 5 } });
    expect(plan(8, { beforeFrames: 1 })).toMatchObject({ leadFrames: 1, before: { start: 0, count: 1 } });
  });

  it('refuses a clip after that is too short, no clip, and no frames', () => {
    expect(() => plan(8, { afterFrames: 4 })).toThrowError(/has 4 frames; 5 are needed/);
    expect(() => plan(8, {})).toThrowError(/no clip/);
    expect(() => plan(0, { beforeFrames: 9 })).toThrowError(/from 1 on/);
  });

  it('for every number of frames: fits the rule, gives exactly what was asked, and knows the right frames', () => {
    for (let newFrames = 1; newFrames <= 24; newFrames++) {
      for (const context of [1, 5, 8, 9, 13, 40]) {
        for (const clips of [
          { beforeFrames: 17 },
          { afterFrames: 17 },
          { beforeFrames: 17, afterFrames: 11 },
          { beforeFrames: 2, afterFrames: 9 },
        ]) {
          const made = plan(newFrames, clips, context);
          const about = JSON.stringify({ newFrames, context, clips, made });
          expect(fitsFrameRule(made.frameCount, rule), about).toBe(true);
          expect(made.frameCount - made.leadFrames - made.tailFrames, about).toBe(newFrames);
          const total = latentFrameCount(made.frameCount, rule);
          const given = givenLatents(made, rule);
          expect(given.before + given.after, about).toBeLessThan(total);
          if (made.before !== undefined) {
            // Frame i of the strip is frame start + i of the clip before.
            expect(pixelFramesOfLatent(given.before - 1, rule)[1], about).toBe(made.before.count - 1);
            expect(made.before.start + made.before.count, about).toBe(clips.beforeFrames);
            expect(made.leadFrames, about).toBe(made.before.count);
          }
          if (made.after !== undefined) {
            // The first known frame of the strip, counted from its end, is the same frame of the clip after.
            const firstKnown = pixelFramesOfLatent(total - given.after, rule)[0];
            const inClip = firstKnown - (made.frameCount - made.tailFrames);
            expect(inClip, about).toBe(made.after.start + 1);
            expect(made.after.start + made.after.count, about).toBe(made.tailFrames);
            expect(made.tailFrames, about).toBeLessThanOrEqual(clips.afterFrames ?? 0);
          }
        }
      }
    }
  });
});
