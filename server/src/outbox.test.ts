import type { Preview, ServerMessage } from '@reelgraph/protocol';
import { expect, it } from 'vitest';
import { type Burst, Outbox } from './outbox.ts';

const turn = () => new Promise((done) => setImmediate(done));
const said = (message: string): ServerMessage => ({ type: 'error', code: 'a/b', message });
const preview: Preview = {
  runId: 'r',
  nodeId: 'n',
  step: 1,
  mediaType: 'image/webp',
  frameCount: 1,
  widthPx: 1,
  heightPx: 1,
  fps: 8,
  data: 'AAAA',
};

/** The messages in unmasked text frames (RFC 6455, 5.2). */
function read(frames: Buffer): unknown[] {
  const messages: unknown[] = [];
  for (let at = 0; at < frames.length; ) {
    expect(frames[at]).toBe(0x81);
    const short = frames.readUInt8(at + 1);
    const header = short < 126 ? 2 : short === 126 ? 4 : 10;
    const length =
      header === 2
        ? short
        : header === 4
          ? frames.readUInt16BE(at + 2)
          : Number(frames.readBigUInt64BE(at + 2));
    messages.push(JSON.parse(frames.toString('utf8', at + header, at + header + length)));
    at += header + length;
  }
  return messages;
}

function open() {
  const bursts: Burst[] = [];
  return { bursts, outbox: new Outbox({ deliver: (burst) => bursts.push(burst) }) };
}

it('what is told in one turn is delivered in one stretch of frames, in its order', async () => {
  const { bursts, outbox } = open();
  const messages = [said('short'), said('ü'.repeat(100)), said('x'.repeat(200)), said('x'.repeat(70_000))];
  for (const message of messages) outbox.tell(message);
  expect(bursts).toEqual([]);
  await turn();
  expect(bursts.map(({ frames }) => read(frames))).toEqual([messages]);
  await turn();
  expect(bursts).toHaveLength(1);
});

it('who is behind is told everything but moving pictures', () => {
  const { bursts, outbox } = open();
  for (const message of [said('1'), { type: 'preview', preview } as const, said('2')]) outbox.tell(message);
  outbox.flush();
  expect(bursts.map(({ withoutPreviews }) => read(withoutPreviews))).toEqual([[said('1'), said('2')]]);
  expect(bursts.map(({ frames }) => read(frames).length)).toEqual([3]);
});

it('a delivery that took long is followed by a rest, in which more is gathered', async () => {
  const bursts: Burst[] = [];
  const outbox = new Outbox({
    deliver(burst) {
      bursts.push(burst);
      const end = performance.now() + 20;
      while (performance.now() < end);
    },
  });
  outbox.tell(said('1'));
  await turn();
  for (const text of ['2', '3', '4']) {
    outbox.tell(said(text));
    await turn();
  }
  expect(bursts).toHaveLength(1);
  while (bursts.length < 2) await turn();
  expect(bursts.map(({ frames }) => read(frames).length)).toEqual([1, 3]);
  outbox.close();
});
