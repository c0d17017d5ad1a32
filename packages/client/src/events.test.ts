import { type ClientMessage, parseClientMessage, type ServerMessage } from '@reelgraph/protocol';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { type ConnectionStatus, connectEvents, type StreamedEvent, type Welcome } from './events.ts';

/** The far end of a connection, played by the test. */
class FakeSocket extends EventTarget {
  static opened: FakeSocket[] = [];
  readonly sent: ClientMessage[] = [];
  readonly url: string;
  constructor(url: string) {
    super();
    this.url = url;
    FakeSocket.opened.push(this);
  }
  send(text: string): void {
    this.sent.push(parseClientMessage(text));
  }
  close(): void {
    this.dispatchEvent(new Event('close'));
  }
  accept(): void {
    this.dispatchEvent(new Event('open'));
  }
  say(message: ServerMessage | string): void {
    this.dispatchEvent(
      new MessageEvent('message', { data: typeof message === 'string' ? message : JSON.stringify(message) }),
    );
  }
}

const welcome = (cursor: number, runs?: []): Welcome => ({
  type: 'welcome',
  protocol: 2,
  serverId: 's',
  cursor,
  ...(runs === undefined ? {} : { runs }),
  previews: [],
  queue: { isPaused: false, runningId: null, waitingCount: 0, next: [] },
});
const queued = (cursor: number): StreamedEvent => ({
  type: 'event',
  cursor,
  event: { type: 'run.queued', runId: `r${cursor}`, seq: 1, atMs: 0, workflowName: 'w' },
});

function connect(findRefusal?: () => Promise<string | undefined>) {
  let tries = 0;
  const cursors: number[] = [];
  const seqs: number[] = [];
  const welcomes: Welcome[] = [];
  const statuses: ConnectionStatus[] = [];
  const details: (string | undefined)[] = [];
  const connection = connectEvents(
    // The test never sends what the interface beyond these members needs.
    {
      baseUrl: 'http://127.0.0.1:7860',
      WebSocket: FakeSocket as unknown as typeof WebSocket,
      ...(findRefusal === undefined ? {} : { findRefusal }),
    },
    {
      onWelcome: (message) => welcomes.push(message),
      onEvent: (message) => {
        cursors.push(message.cursor);
        seqs.push(message.event.seq);
      },
      onPreview: () => {},
      onStatus: (status, detail) => {
        statuses.push(status);
        details.push(detail);
      },
      retryDelayMs: () => {
        tries += 1;
        return 1;
      },
    },
  );
  return { connection, cursors, seqs, welcomes, statuses, details, tries: () => tries };
}

async function socket(index: number): Promise<FakeSocket> {
  return vi.waitFor(() => {
    const found = FakeSocket.opened[index];
    if (found === undefined) throw new Error(`socket ${index} is not opened yet`);
    return found;
  });
}

beforeEach(() => {
  FakeSocket.opened = [];
});

describe('connectEvents', () => {
  it('says hello without a cursor on a first visit', async () => {
    const { connection } = connect();
    const first = await socket(0);
    first.accept();
    expect(first.url).toBe('ws://127.0.0.1:7860/api/v1/events');
    expect(first.sent).toEqual([{ type: 'hello', protocol: 2 }]);
    connection.close();
  });

  it('comes back by itself with the last cursor and tells every event once', async () => {
    const { connection, cursors, statuses } = connect();
    const first = await socket(0);
    first.accept();
    first.say(welcome(4, []));
    first.say(queued(5));
    first.close();

    const second = await socket(1);
    second.accept();
    expect(second.sent).toEqual([{ type: 'hello', protocol: 2, since: 5, serverId: 's' }]);
    second.say(welcome(7));
    second.say(queued(5));
    second.say(queued(6));
    second.say(queued(7));
    expect(cursors).toEqual([5, 6, 7]);
    expect(statuses).toEqual(['connecting', 'open', 'connecting', 'open']);
    connection.close();
  });

  it('tells progress, which has the cursor of the event before it, once', async () => {
    const progress = (cursor: number, seq: number): StreamedEvent => ({
      type: 'event',
      cursor,
      event: { type: 'node.progress', runId: 'r', nodeId: 'n', seq, atMs: 0, step: seq, totalSteps: 99 },
    });
    const { connection, seqs } = connect();
    const first = await socket(0);
    first.accept();
    first.say(welcome(4, []));
    first.say(progress(4, 7));
    first.say(progress(4, 8));
    first.close();
    const second = await socket(1);
    second.accept();
    expect(second.sent).toMatchObject([{ since: 4 }]);
    second.say(welcome(5));
    second.say(progress(4, 8));
    second.say(progress(4, 9));
    second.say(queued(5));
    second.say(progress(4, 9));
    second.say(progress(5, 10));
    expect(seqs).toEqual([7, 8, 9, 1, 10]);
    connection.close();
  });

  it('tries again once when a connection is refused, however that is told', async () => {
    const { connection, tries } = connect();
    const first = await socket(0);
    first.dispatchEvent(new Event('error'));
    first.dispatchEvent(new Event('close'));
    expect(tries()).toBe(1);
    await socket(1);
    connection.close();
  });

  it('starts from the whole picture when the server sends one', async () => {
    const { connection, cursors } = connect();
    const first = await socket(0);
    first.accept();
    first.say(welcome(100, []));
    first.close();
    const second = await socket(1);
    second.accept();
    // another data folder counts from the beginning
    second.say({ ...welcome(2, []), serverId: 'other' });
    second.say(queued(3));
    expect(cursors).toEqual([3]);
    connection.close();
  });

  it('asks for the whole picture after a message it cannot read', async () => {
    const { connection } = connect();
    const first = await socket(0);
    first.accept();
    first.say(welcome(4, []));
    first.say('{"type":"event"}');
    const second = await socket(1);
    second.accept();
    expect(second.sent).toEqual([{ type: 'hello', protocol: 2 }]);
    connection.close();
  });

  it('does not try again when the server speaks another version', async () => {
    const { connection, statuses } = connect();
    const first = await socket(0);
    first.accept();
    first.say({ type: 'error', code: 'protocol/version-mismatch', message: 'reload' });
    expect(connection.status).toBe('refused');
    expect(statuses.at(-1)).toBe('refused');
    expect(FakeSocket.opened).toHaveLength(1);
  });

  it.each([
    ['another version', { ...welcome(4, []), protocol: 3, rooms: [] }, /speaks protocol 3.*Reload the page/],
    ['this version, with what nobody knows', { ...welcome(4, []), rooms: [] }, /Reload the page/],
  ])('a page is told to be loaded again when it cannot read a welcome of %s', async (_of, message, text) => {
    const { connection, details } = connect();
    const first = await socket(0);
    first.accept();
    first.say(JSON.stringify(message));
    expect(connection.status).toBe('refused');
    expect(details.at(-1)).toMatch(text);
    expect(FakeSocket.opened).toHaveLength(1);
  });

  it('does not try again when the server wants a token', async () => {
    const { connection, statuses } = connect(async () => 'This server wants its token.');
    const first = await socket(0);
    first.dispatchEvent(new Event('error'));
    await vi.waitFor(() => expect(connection.status).toBe('refused'));
    expect(statuses).toEqual(['connecting', 'connecting', 'refused']);
  });

  it('stays closed after close', async () => {
    const { connection, statuses, tries } = connect();
    const first = await socket(0);
    first.accept();
    connection.close();
    expect(connection.status).toBe('closed');
    expect(statuses.at(-1)).toBe('closed');
    expect(tries()).toBe(0);
  });
});
