/**
 * The event stream. A connection says hello with the last cursor it saw and gets either the events since, or
 * the whole picture, and then everything as it happens. Readers that do not keep up are dropped: they come
 * back with their cursor and lose nothing, while memory held for them would grow without end.
 *
 *   awaiting-hello ──hello──> live ──> closed
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  encodeServerMessage,
  eventsPath,
  ProtocolError,
  parseClientMessage,
  protocolVersion,
  type ServerMessage,
} from '@reelgraph/protocol';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import type { EventHub } from './event-hub.ts';
import type { Guard } from './guard.ts';
import { HttpError, notFound } from './http-error.ts';
import type { LiveConnection, LiveSessions } from './live/live-sessions.ts';
import { type Burst, Outbox } from './outbox.ts';
import type { JournaledEvent } from './run-journal.ts';

export interface SocketServerOptions {
  readonly hub: EventHub;
  readonly guard: Guard;
  /** Nodes that clients play. */
  readonly live: LiveSessions;
  readonly pingIntervalMs?: number;
}

/** Takes to one connection what all are told. */
type Reader = (burst: Burst) => void;
type ConnectionState = 'awaiting-hello' | 'live' | 'closed';

/** More missed events than this, and the whole picture is the shorter answer. */
const maxReplayedEvents = 1000;
const maxMessageBytes = 16 * 1024;
const helloDeadlineMs = 10_000;
/** Unsent bytes above which pictures are left out, and above which the reader is dropped. */
const previewBacklogBytes = 256 * 1024;
const maxBacklogBytes = 1024 * 1024;
/** A change of the queue tells all of it anew: a crowd with a long queue hears of it less often than it changes. */
const queueBytesPerSecond = 16 * 1024 * 1024;
/** About what a run takes in it. */
const queuedRunBytes = 200;
const maxConnections = 2000;

export interface SocketServer {
  /** Open connections. */
  readonly clientCount: number;
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  close(): void;
}

export function createSocketServer({
  hub,
  guard,
  live,
  pingIntervalMs = 15_000,
}: SocketServerOptions): SocketServer {
  const wss = new WebSocketServer({
    noServer: true,
    maxPayload: maxMessageBytes,
    perMessageDeflate: false,
    clientTracking: true,
  });
  const heardFrom = new WeakSet<WebSocket>();
  const greeted = new Set<Reader>();
  const outbox = new Outbox({
    deliver(burst) {
      for (const take of greeted) take(burst);
    },
  });
  let queueTimer: NodeJS.Timeout | undefined;
  let isQueueNew = false;
  /** What a newcomer is told, while nothing has happened since the last one was: of large runs it is long. */
  let wholePicture: Buffer | undefined;

  function tellAll(message: ServerMessage): void {
    wholePicture = undefined;
    if (greeted.size > 0) outbox.tell(message);
  }

  const welcome = (cursor: number): Extract<ServerMessage, { type: 'welcome' }> => ({
    type: 'welcome',
    protocol: protocolVersion,
    serverId: hub.serverId,
    cursor,
    previews: hub.previews(),
    queue: hub.queueSummary(),
  });

  function tellQueue(): void {
    isQueueNew = false;
    const queue = hub.queueSummary();
    tellAll({ type: 'queue', queue });
    const bytes = greeted.size * (1 + queue.next.length) * queuedRunBytes;
    queueTimer = setTimeout(
      () => {
        queueTimer = undefined;
        if (isQueueNew) tellQueue();
      },
      (1000 * bytes) / queueBytesPerSecond,
    );
    queueTimer.unref();
  }

  const unsubscribe = hub.subscribe({
    onEvent: (journaled) => tellAll(asMessage(journaled)),
    onPreview: (preview) => tellAll({ type: 'preview', preview }),
    onQueue() {
      isQueueNew = true;
      if (queueTimer === undefined) tellQueue();
    },
    onProblem: (code, message) => tellAll({ type: 'error', code, message }),
  });

  // Finds connections whose other end vanished without a word.
  const pinger = setInterval(() => {
    for (const socket of wss.clients) {
      if (!heardFrom.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }, pingIntervalMs);
  pinger.unref();

  function serve(socket: WebSocket, connection: Duplex): void {
    let state: ConnectionState = 'awaiting-hello';
    /** What is left of the greeting, which may be long: nobody is dropped for not having read it yet. */
    let greetingBytes = 0;
    let playing: LiveConnection | undefined;
    const helloTimer = setTimeout(() => socket.close(1002, 'hello expected'), helloDeadlineMs);
    heardFrom.add(socket);

    /** Whether there is room for more; a reader that is too far behind is dropped. */
    const isKeepingUp = (): boolean => {
      if (state === 'closed') return false;
      const backlog = socket.bufferedAmount;
      greetingBytes = Math.min(greetingBytes, backlog);
      if (backlog <= maxBacklogBytes + greetingBytes) return true;
      state = 'closed';
      greeted.delete(take);
      socket.terminate();
      return false;
    };
    const send = (message: ServerMessage): void => {
      if (isKeepingUp()) socket.send(encodeServerMessage(message));
    };
    const take: Reader = ({ frames, withoutPreviews }) => {
      if (socket.readyState !== socket.OPEN || !isKeepingUp()) return;
      // Past the WebSocket, which would write every message by itself: between its own frames these are as good.
      connection.write(socket.bufferedAmount > previewBacklogBytes ? withoutPreviews : frames);
    };
    const refuse = (code: string, message: string): void => {
      send({ type: 'error', code, message });
      socket.close(1002, code);
    };

    const greet = (since: number | undefined, serverId: string | undefined): void => {
      // To those who were there before; the newcomer is told of it by the greeting.
      outbox.flush();
      const cursor = hub.lastCursor();
      const isKnown = since !== undefined && serverId === hub.serverId && since <= cursor;
      const missed = isKnown ? hub.eventsAfter(since, maxReplayedEvents) : undefined;
      if (missed === undefined) {
        wholePicture ??= Buffer.from(encodeServerMessage({ ...welcome(cursor), runs: hub.runs() }));
        socket.send(wholePicture, { binary: false });
      } else {
        for (const message of [welcome(cursor), ...missed.map(asMessage)])
          socket.send(encodeServerMessage(message));
      }
      greetingBytes = socket.bufferedAmount;
      // Nothing is published between the lines above and this one: publishing is synchronous.
      greeted.add(take);
    };

    const receive = (data: RawData, isBinary: boolean): void => {
      if (isBinary) {
        refuse('protocol/invalid-message', 'Messages are text.');
        return;
      }
      try {
        const message = parseClientMessage(data.toString());
        if (message.type !== 'hello') {
          if (state === 'awaiting-hello') {
            refuse('protocol/unexpected-message', 'The first message is a hello.');
            return;
          }
          playing ??= live.connect(send);
          playing.receive(message);
          return;
        }
        if (state !== 'awaiting-hello') {
          refuse('protocol/unexpected-message', 'Only one hello is expected.');
          return;
        }
        clearTimeout(helloTimer);
        state = 'live';
        greet(message.since, message.serverId);
      } catch (error) {
        if (!(error instanceof ProtocolError)) throw error;
        refuse(error.code, error.message);
      }
    };

    socket.on('message', receive);
    socket.on('pong', () => heardFrom.add(socket));
    // `close` follows every error; without a listener the error would end the process.
    socket.on('error', () => {});
    socket.on('close', () => {
      state = 'closed';
      clearTimeout(helloTimer);
      greeted.delete(take);
      playing?.close();
    });
  }

  return {
    get clientCount() {
      return wss.clients.size;
    },
    handleUpgrade(request, socket, head) {
      // Nobody listens yet, and a peer that resets now must not end the process.
      const ignore = () => {};
      socket.on('error', ignore);
      try {
        guard.checkUpgrade(request);
        if (URL.parse(request.url ?? '', 'http://host')?.pathname !== eventsPath)
          throw notFound('There is no WebSocket at this address.');
        if (wss.clients.size >= maxConnections) {
          throw new HttpError(503, 'http/too-many-connections', 'Too many event streams are open.');
        }
      } catch (error) {
        refuseUpgrade(socket, error);
        return;
      }
      wss.handleUpgrade(request, socket, head, (webSocket) => {
        socket.off('error', ignore);
        serve(webSocket, socket);
      });
    },
    close() {
      clearInterval(pinger);
      clearTimeout(queueTimer);
      unsubscribe();
      outbox.close();
      for (const socket of wss.clients) socket.terminate();
      wss.close();
    },
  };
}

function asMessage(journaled: JournaledEvent): ServerMessage {
  return { type: 'event', ...journaled };
}

function refuseUpgrade(socket: Duplex, error: unknown): void {
  const problem =
    error instanceof HttpError
      ? error
      : new HttpError(500, 'http/internal', 'The server met a problem of its own.');
  const body = JSON.stringify(problem.body);
  socket.end(
    `HTTP/1.1 ${problem.status} Refused\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
