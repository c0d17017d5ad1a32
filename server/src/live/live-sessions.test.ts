import type { LiveAnswer, LiveRequest } from '@reelgraph/protocol';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type LiveLimits, LiveSessions } from './live-sessions.ts';

const frame = { widthPx: 1, heightPx: 1, data: 'AAAA' };

let sent: LiveRequest[];
beforeEach(() => {
  sent = [];
});
afterEach(() => {
  vi.useRealTimers();
});

function start(limits: Partial<LiveLimits> = {}): LiveSessions {
  return new LiveSessions({ send: (request) => void sent.push(request), limits });
}

/** A client that remembers what it was told. */
function client(sessions: LiveSessions) {
  const told: LiveAnswer[] = [];
  const connection = sessions.connect((answer) => void told.push(answer));
  return {
    told,
    open: (liveId: string) =>
      connection.receive({ type: 'live.open', liveId, nodeType: 'world', params: {} }),
    act: (liveId: string, action: string) => connection.receive({ type: 'live.act', liveId, action }),
    stop: (liveId: string) => connection.receive({ type: 'live.close', liveId }),
    leave: () => connection.close(),
  };
}

function answer(sessions: LiveSessions, index: number, liveId = 'live-1'): void {
  sessions.handle({ type: 'live.frame', liveId, index, action: 'left', frame, modelMs: 1 });
}

describe('a session', () => {
  it('passes actions to the runner and frames to the one who plays, each under its own name', () => {
    const sessions = start();
    const [ann, ben] = [client(sessions), client(sessions)];
    ann.open('mine');
    ben.open('mine');
    expect(sent.map(({ liveId }) => liveId)).toEqual(['live-1', 'live-2']);
    ann.act('mine', 'left');
    expect(sent.at(-1)).toEqual({ type: 'live.act', liveId: 'live-1', action: 'left' });
    answer(sessions, 1);
    expect(ann.told).toMatchObject([{ type: 'live.frame', liveId: 'mine', index: 1 }]);
    expect(ben.told).toEqual([]);
  });

  it('is the only one of its client, until it is over', () => {
    const sessions = start();
    const ann = client(sessions);
    ann.open('first');
    ann.open('second');
    expect(ann.told).toMatchObject([{ type: 'live.ended', liveId: 'second', code: 'live/one-at-a-time' }]);
    ann.stop('first');
    expect(ann.told.at(-1)).toMatchObject({ liveId: 'first', code: 'live/closed' });
    ann.open('third');
    expect(sent.map(({ type }) => type)).toEqual(['live.open', 'live.close', 'live.open']);
  });

  it('is one of so many that a server plays', () => {
    const sessions = start({ sessions: 2 });
    const clients = [client(sessions), client(sessions), client(sessions)] as const;
    for (const each of clients) each.open('a');
    expect(clients[2].told).toMatchObject([{ code: 'live/too-many' }]);
    clients[0].leave();
    clients[2].open('b');
    expect(sent.at(-1)).toMatchObject({ type: 'live.open', liveId: 'live-3' });
  });

  it('ends when its client goes away, and what comes later is for nobody', () => {
    const sessions = start();
    const ann = client(sessions);
    ann.open('a');
    ann.leave();
    expect(sent.at(-1)).toEqual({ type: 'live.close', liveId: 'live-1' });
    const before = ann.told.length;
    answer(sessions, 1);
    expect(ann.told).toHaveLength(before);
  });

  it('takes only as many actions at once as a client that looks at its frames has on the way', () => {
    const sessions = start({ pending: 3 });
    const ann = client(sessions);
    ann.open('a');
    for (let i = 0; i < 3; i++) ann.act('a', 'left');
    answer(sessions, 1);
    ann.act('a', 'left');
    expect(ann.told.map(({ type }) => type)).toEqual(['live.frame']);
    ann.act('a', 'left');
    expect(ann.told.at(-1)).toMatchObject({ type: 'live.ended', code: 'live/too-fast' });
    expect(sent.at(-1)?.type).toBe('live.close');
  });

  it('is full after as many frames as a log holds', () => {
    const sessions = start({ actions: 2 });
    const ann = client(sessions);
    ann.open('a');
    for (let i = 0; i < 3; i++) ann.act('a', 'left');
    expect(sent.filter(({ type }) => type === 'live.act')).toHaveLength(2);
    answer(sessions, 1);
    answer(sessions, 2);
    expect(ann.told.map(({ type }) => type)).toEqual(['live.frame', 'live.frame', 'live.ended']);
    expect(ann.told.at(-1)).toMatchObject({ code: 'live/full' });
  });

  it('ends when nothing is done for a while', () => {
    vi.useFakeTimers();
    const sessions = start({ idleMs: 1000 });
    const ann = client(sessions);
    ann.open('a');
    vi.advanceTimersByTime(900);
    ann.act('a', 'left');
    vi.advanceTimersByTime(900);
    expect(ann.told).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(ann.told).toMatchObject([{ code: 'live/idle' }]);
  });

  it('ends with the runner, and another can be opened', () => {
    const sessions = start();
    const ann = client(sessions);
    ann.open('a');
    sessions.loseAll();
    expect(ann.told).toMatchObject([{ type: 'live.ended', liveId: 'a', code: 'runner/died' }]);
    ann.open('b');
    expect(sent.at(-1)).toMatchObject({ type: 'live.open', liveId: 'live-2' });
  });

  it('that the runner refuses is told so', () => {
    const sessions = start();
    const ann = client(sessions);
    ann.open('a');
    sessions.handle({ type: 'live.ended', liveId: 'live-1', code: 'live/not-playable', message: 'No.' });
    expect(ann.told).toEqual([
      { type: 'live.ended', liveId: 'a', code: 'live/not-playable', message: 'No.' },
    ]);
    expect(sent).toHaveLength(1);
  });
});
