import type { LiveRequest } from '@reelgraph/protocol';
import { beforeEach, expect, it } from 'vitest';
import { createLiveTable } from './live.ts';

const frame = { widthPx: 1, heightPx: 1, data: 'AAAA' };

let sent: LiveRequest[];
let heard: string[];
let isConnected: boolean;
beforeEach(() => {
  sent = [];
  heard = [];
  isConnected = true;
});

function table() {
  return createLiveTable((request) => {
    if (isConnected) sent.push(request);
    return isConnected;
  });
}

const options = {
  nodeType: 'world',
  params: { seed: '1' },
  onOpened: () => void heard.push('opened'),
  onFrame: ({ index, action }: { index: number; action: string }) => void heard.push(`${index} ${action}`),
  onEnded: (code: string) => void heard.push(code),
};

it('opens, acts, hears frames and ends once', () => {
  const live = table();
  const session = live.open(options);
  live.receive({ type: 'live.opened', liveId: '1', frame });
  session.act('left');
  live.receive({ type: 'live.frame', liveId: '1', index: 1, action: 'left', frame, modelMs: 2 });
  session.close();
  session.act('right');
  session.close();
  live.receive({ type: 'live.ended', liveId: '1', code: 'live/closed', message: '' });
  expect(sent.map(({ type }) => type)).toEqual(['live.open', 'live.act', 'live.close']);
  expect(heard).toEqual(['opened', '1 left', 'live/closed']);
});

it('keeps sessions apart', () => {
  const live = table();
  live.open(options).close();
  live.open(options);
  live.receive({ type: 'live.opened', liveId: '1', frame });
  expect(heard).toEqual(['live/closed']);
  live.receive({ type: 'live.opened', liveId: '2', frame });
  expect(heard).toEqual(['live/closed', 'opened']);
});

it('ends with the connection, and says so where there is none', async () => {
  const live = table();
  live.open(options);
  live.lose();
  expect(heard).toEqual(['live/connection-lost']);
  isConnected = false;
  live.open(options);
  await Promise.resolve();
  expect(heard).toEqual(['live/connection-lost', 'live/not-connected']);
});
