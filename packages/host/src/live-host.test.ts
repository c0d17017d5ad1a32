import { createFakeModels } from '@reelgraph/node-api/testing';
import { builtinNodes } from '@reelgraph/nodes';
import { expect, it } from 'vitest';
import { createLiveHost } from './live-host.ts';

const signal = new AbortController().signal;
const nodeType = 'interactive-world';

function start() {
  const counts = { created: 0, disposed: 0 };
  const host = createLiveHost({
    registry: builtinNodes,
    createModels: async () => {
      counts.created += 1;
      const dispose = async () => {
        counts.disposed += 1;
      };
      return { ...createFakeModels(), dispose };
    },
  });
  return { host, counts };
}

it('opens a node with its defaults where nothing is said, with models of its own', async () => {
  const { host, counts } = start();
  const play = await host.open({ nodeType, params: { model: 'fake', columns: 5 }, signal });
  expect(play.first.shape).toEqual([1, 3, 1, 64, 40]);
  expect((await play.step('left')).shape).toEqual([1, 3, 1, 64, 40]);
  await host.open({ nodeType, params: { model: 'fake' }, signal });
  await host.close();
  expect(counts).toEqual({ created: 1, disposed: 1 });
});

it.each([
  ['a type that is none', 'no-such-node', {}, 'live/not-playable'],
  ['a node that is not played', 'video-mux', {}, 'live/not-playable'],
  ['a param it does not have', nodeType, { speed: 2 }, 'live/bad-param'],
  ['a param named like what every object has', nodeType, { toString: 'x' }, 'live/bad-param'],
  ['a value out of range', nodeType, { columns: 4000 }, 'live/bad-param'],
  ['a seed that is none', nodeType, { seed: '-1' }, 'live/bad-param'],
])('refuses %s before any model is opened', async (_what, type, params, code) => {
  const { host, counts } = start();
  await expect(host.open({ nodeType: type, params: { ...params }, signal })).rejects.toMatchObject({ code });
  expect(counts.created).toBe(0);
});

it('passes on what the node itself refuses', async () => {
  const { host } = start();
  const params = { model: 'other' };
  await expect(host.open({ nodeType, params, signal })).rejects.toMatchObject({ code: 'model/not-found' });
});
