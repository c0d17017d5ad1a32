import type { LivePlayInfo } from '@reelgraph/graph';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { LivePlayer, type LivePlayerOptions } from './live-player.ts';

const info: LivePlayInfo = {
  log: 'actions',
  idle: 'none',
  keys: { ArrowLeft: 'left', ArrowRight: 'right', ' ': 'act' },
  once: ['act'],
  hint: 'Arrows walk, space acts',
  fps: 8,
};
const picture = { widthPx: 1, heightPx: 1, data: 'AAAA' };
const frameMs = 125;

type Handlers = Parameters<LivePlayerOptions['open']>[0];

let handlers: Handlers;
let asked: string[];
let over: { log: readonly string[]; problem: string | undefined } | undefined;
let answers: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  over = undefined;
  answers = true;
});
afterEach(() => {
  vi.useRealTimers();
});

/** A server that answers 20 ms later, while `answers` is true. */
function start(): LivePlayer {
  const player = new LivePlayer({
    info,
    open: (given) => {
      handlers = given;
      let index = 0;
      return {
        act: (action) => {
          asked.push(action);
          if (!answers) return;
          setTimeout(() => {
            index += 1;
            given.onFrame({ type: 'live.frame', liveId: '1', index, action, frame: picture, modelMs: 9 });
          }, 20);
        },
        close: () => {},
      };
    },
    onFrame: () => {},
    onOver: (log, problem) => {
      over = { log: [...log], problem };
    },
    now: () => Date.now(),
  });
  handlers.onOpened(picture);
  return player;
}

it('time goes on without a key, an action for every frame', () => {
  const player = start();
  vi.advanceTimersByTime(4 * frameMs + 30);
  expect(asked).toEqual(['none', 'none', 'none', 'none']);
  player.stop();
  expect(over).toEqual({ log: ['none', 'none', 'none', 'none'], problem: undefined });
});

it('a key is an action at once, and again for every frame while it is held', () => {
  const player = start();
  vi.advanceTimersByTime(50);
  player.keyDown('ArrowLeft');
  expect(asked).toEqual(['left']);
  player.keyDown('ArrowLeft');
  vi.advanceTimersByTime(2 * frameMs + 1);
  player.keyUp('ArrowLeft');
  vi.advanceTimersByTime(frameMs);
  expect(asked).toEqual(['left', 'left', 'left', 'none']);
  expect(player.state.get()).toMatchObject({ phase: 'playing', latencyMs: 20 });
});

it('what is done once is not repeated, and does not stand in the way of a key held with it', () => {
  const player = start();
  player.keyDown('ArrowRight');
  player.keyDown(' ');
  vi.advanceTimersByTime(frameMs + 1);
  expect(asked).toEqual(['right', 'act', 'right']);
});

it('a tap is never lost, also when the server is slow', () => {
  answers = false;
  const player = start();
  for (const key of ['ArrowLeft', 'ArrowRight', ' ']) {
    player.keyDown(key);
    player.keyUp(key);
  }
  vi.advanceTimersByTime(10 * frameMs);
  // Two on the way; no idle frame is put before the third.
  expect(asked).toEqual(['left', 'right']);
  handlers.onFrame({ type: 'live.frame', liveId: '1', index: 1, action: 'left', frame: picture, modelMs: 9 });
  expect(asked).toEqual(['left', 'right', 'act']);
});

it('time stands still when nothing is done for a while, until the next key', () => {
  const player = start();
  vi.advanceTimersByTime(10_000);
  expect(player.state.get().phase).toBe('waiting');
  const before = asked.length;
  vi.advanceTimersByTime(60_000);
  expect(asked).toHaveLength(before);
  player.keyDown('ArrowLeft');
  expect(asked.at(-1)).toBe('left');
  expect(player.state.get().phase).toBe('playing');
});

it('takes no other keys, and none that every object has', () => {
  const player = start();
  expect(player.takes('ArrowLeft')).toBe(true);
  for (const key of ['x', 'toString', 'Tab']) expect(player.takes(key)).toBe(false);
  player.keyDown('toString');
  expect(asked).toEqual([]);
});

it('keeps in its log only what frames have come of', () => {
  const player = start();
  player.keyDown('ArrowLeft');
  vi.advanceTimersByTime(30);
  answers = false;
  player.keyDown('ArrowRight');
  vi.advanceTimersByTime(30);
  player.stop();
  expect(over?.log).toEqual(['left']);
});

it('an end that nobody asked for is told with its reason, once', () => {
  const player = start();
  player.keyDown('ArrowLeft');
  vi.advanceTimersByTime(30);
  handlers.onEnded('live/full', 'A session has at most 1200 actions.');
  expect(over).toEqual({ log: ['left'], problem: 'A session has at most 1200 actions.' });
  over = undefined;
  player.stop();
  expect(over).toBeUndefined();
});

it('without a connection it is over at once', () => {
  let problem: string | undefined;
  new LivePlayer({
    info,
    open: () => undefined,
    onFrame: () => {},
    onOver: (_log, said) => {
      problem = said;
    },
  });
  expect(problem).toMatch(/no connection/);
});
