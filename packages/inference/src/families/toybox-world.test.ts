import { fileURLToPath } from 'node:url';
import type { ModelRef } from '@reelgraph/node-api';
import { fromFunction } from '@reelgraph/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createModelService, type ModelServiceHandle } from '../model-service.ts';

const toybox = fileURLToPath(new URL('../../../toybox/model', import.meta.url));
const tiny = fileURLToPath(new URL('../fixtures/tiny-toybox', import.meta.url));
const signal = new AbortController().signal;

/** Any picture of 5 × 6 tiles: what it shows does not matter here. */
const picture = fromFunction([1, 3, 1, 40, 48], (i) => ((i * 37) % 200) / 100 - 1);

let models: ModelServiceHandle;
let model: ModelRef;
beforeAll(async () => {
  models = await createModelService({ roots: [toybox, tiny], threads: 1 });
  model = await models.resolve('toybox', signal);
});
afterAll(() => models.dispose());

describe('the world of a package', () => {
  it('is known before it is played', () => {
    expect(models.facts(model).world).toEqual({
      actions: ['none', 'left', 'right', 'up', 'down', 'act'],
      tilePx: 8,
      fps: 8,
    });
  });

  it('gives a frame for every action, the same for the same actions, at the levels of a byte', async () => {
    const play = async () => {
      let frame = await models.openWorld(model, picture, signal);
      const frames = [frame];
      for (const action of ['right', 'act', 'none', 'down']) {
        frame = await models.stepWorld(model, frame.state, action, signal);
        frames.push(frame);
      }
      return frames;
    };
    const first = await play();
    expect(first.map(({ pixels }) => pixels.shape)).toEqual(Array(5).fill([1, 3, 1, 40, 48]));
    expect((await play()).map(({ pixels }) => pixels)).toEqual(first.map(({ pixels }) => pixels));
    for (const { pixels, certainty } of first) {
      expect(certainty).toBeGreaterThanOrEqual(0);
      expect(certainty).toBeLessThanOrEqual(1);
      for (const value of pixels.data) {
        const level = Math.round((value + 1) * 127.5);
        expect(value).toBe(Math.fround(level / 127.5 - 1));
      }
    }
  });

  it('can be gone on with from any frame', async () => {
    const start = await models.openWorld(model, picture, signal);
    const once = await models.stepWorld(model, start.state, 'right', signal);
    await models.stepWorld(model, once.state, 'act', signal);
    const again = await models.stepWorld(model, start.state, 'right', signal);
    expect(again.pixels).toEqual(once.pixels);
  });

  it('refuses a frame that is no whole number of tiles, and an action it does not know', async () => {
    const crooked = fromFunction([1, 3, 1, 40, 44], () => 0);
    await expect(models.openWorld(model, crooked, signal)).rejects.toMatchObject({
      code: 'model/world-size',
    });
    const { state } = await models.openWorld(model, picture, signal);
    await expect(models.stepWorld(model, state, 'jump', signal)).rejects.toMatchObject({
      code: 'model/no-action',
    });
  });

  it('is said to be missing where a package has none', async () => {
    const other = await models.resolve('tiny-toybox', signal);
    await expect(models.openWorld(other, picture, signal)).rejects.toMatchObject({ code: 'model/no-world' });
  });
});
