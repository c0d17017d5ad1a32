import { NodeError } from '@reelgraph/node-api';
import { createTestContext, inMemory } from '@reelgraph/node-api/testing';
import { describe, expect, it } from 'vitest';
import { interactiveWorld } from './node.ts';

const params = { actions: 'right*2 act', seed: '7', model: 'fake', columns: 6, rows: 4 };
const facts = createTestContext().models.facts({ name: 'fake', family: 'toybox', digest: '' });

describe('interactive-world', () => {
  it('makes the first frame of the level and one for each action', async () => {
    const ctx = createTestContext();
    const { frames, actions } = await interactiveWorld.run({ inputs: {}, params, ctx });
    expect(inMemory(frames).pixels.shape).toEqual([1, 3, 4, 32, 48]);
    expect(frames.fps).toBe(8);
    expect(actions).toEqual(['right', 'right', 'act']);
    expect(ctx.progressUpdates.at(-1)).toMatchObject({ step: 3, totalSteps: 3 });
    // The fake model adds 2 for `right` and 5 for `act` to every tile.
    const corners = [0, 1, 2, 3].map((f) => inMemory(frames).pixels.data[f * 32 * 48]!);
    const steps = corners.slice(1).map((value, i) => Math.round((value - corners[i]!) * 127.5));
    expect(steps).toEqual([2, 2, 5]);
  });

  it('played live and then run from its log gives the same frames, bit for bit', async () => {
    const ctx = createTestContext();
    const live = await interactiveWorld.live?.open({ params, ctx });
    if (live === undefined) throw new Error('the node can be played');
    const seen = [live.first];
    for (const action of ['right', 'right', 'act']) seen.push(await live.step(action));
    const { frames } = await interactiveWorld.run({ inputs: {}, params, ctx });
    const plane = 32 * 48;
    seen.forEach((frame, f) => {
      for (let channel = 0; channel < 3; channel++) {
        const from = (channel * seen.length + f) * plane;
        expect(inMemory(frames).pixels.data.subarray(from, from + plane)).toEqual(
          frame.data.subarray(channel * plane, (channel + 1) * plane),
        );
      }
    });
  });

  it('takes 64-bit levels', async () => {
    const ctx = createTestContext();
    const huge = { ...params, seed: '18446744073709551615', actions: '' };
    const { frames } = await interactiveWorld.run({ inputs: {}, params: huge, ctx });
    expect(inMemory(frames).pixels.shape).toEqual([1, 3, 1, 32, 48]);
  });

  it('tells how many frames of what size there will be', () => {
    const context = { models: new Map([['fake', facts]]) };
    const { outputs, issues } = interactiveWorld.infer?.({ inputs: {}, params, context }) ?? {};
    expect(outputs?.frames).toEqual({
      widthPx: 48,
      heightPx: 32,
      frameCount: 4,
      fps: 8,
      durationSeconds: 0.5,
    });
    expect(issues).toEqual([]);
  });

  it('names a word that is no action, before anything runs and when it runs', async () => {
    const wrong = { ...params, actions: 'right jump' };
    const context = { models: new Map([['fake', facts]]) };
    const { issues } = interactiveWorld.infer?.({ inputs: {}, params: wrong, context }) ?? {};
    expect(issues).toMatchObject([
      {
        param: 'actions',
        message: expect.stringContaining('"jump"'),
        fix: { param: 'actions', value: 'right' },
      },
    ]);
    const run = interactiveWorld.run({ inputs: {}, params: wrong, ctx: createTestContext() });
    await expect(run).rejects.toThrow(NodeError);
  });

  it('says when a model has no world, and offers one that has', () => {
    const { world: _, ...without } = facts;
    const models = new Map([
      ['plain', { ...without, name: 'plain' }],
      ['fake', facts],
    ]);
    const { issues } =
      interactiveWorld.infer?.({ inputs: {}, params: { ...params, model: 'plain' }, context: { models } }) ??
      {};
    expect(issues).toMatchObject([{ code: 'model/no-world', fix: { value: 'fake' } }]);
  });

  it('stops between frames when the run is cancelled', async () => {
    const abort = new AbortController();
    const ctx = createTestContext({ signal: abort.signal, progress: () => abort.abort() });
    await expect(interactiveWorld.run({ inputs: {}, params, ctx })).rejects.toThrow();
  });
});
