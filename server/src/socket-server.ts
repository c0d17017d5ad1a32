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
  type Preview,
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

export interface SocketServerOptions {
  readonly hub: EventHub;
  readonly guard: Guard;
  /** Nodes that clients play. */
  readonly live: LiveSessions;
  readonly pingIntervalMs?: number;
}

type ConnectionState = 'awaiting-hello' | 'live' | 'closed';

/** More missed events than this, and the whole picture is the shorter answer. */
const maxReplayedEvents = 1000;
const maxMessageBytes = 16 * 1024;
const helloDeadlineMs = 10_000;
/** Unsent bytes above which pictures are left out, and above which the reader is dropped. */
const previewBacklogBytes = 512 * 1024;
const maxBacklogBytes = 4 * 1024 * 1024;
const maxConnections = 500;

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

  // Finds connections whose other end vanished without a word.
  const pinger = setInterval(() => {
    for (const socket of wss.clients) {
      if (!heardFrom.delete(socket)) socket.terminate();
      else socket.ping();
    }
  }, pingIntervalMs);
  pinger.unref();

  function serve(socket: WebSocket): void {
    let state: ConnectionState = 'awaiting-hello';
    let unsubscribe: (() => void) | undefined;
    let playing: LiveConnection | undefined;
    const helloTimer = setTimeout(() => socket.close(1002, 'hello expected'), helloDeadlineMs);
    heardFrom.add(socket);

    const send = (message: ServerMessage): void => {
      if (state === 'closed') return;
      if (socket.bufferedAmount > maxBacklogBytes) {
        socket.terminate();
        return;
      }
      socket.send(encodeServerMessage(message));
    };
    const sendPreview = (preview: Preview): void => {
      if (socket.bufferedAmount <= previewBacklogBytes) send({ type: 'preview', preview });
    };
    const refuse = (code: string, message: string): void => {
      send({ type: 'error', code, message });
      socket.close(1002, code);
    };

    const greet = (since: number | undefined, serverId: string | undefined): void => {
      const cursor = hub.lastCursor();
      const isKnown = since !== undefined && serverId === hub.serverId && since <= cursor;
      const missed = isKnown ? hub.eventsAfter(since, maxReplayedEvents) : undefined;
      send({
        type: 'welcome',
        protocol: protocolVersion,
        serverId: hub.serverId,
        cursor,
        ...(missed === undefined ? { runs: hub.runs() } : {}),
        previews: hub.previews(),
        queue: hub.queueSummary(),
      });
      for (const journaled of missed ?? []) send({ type: 'event', ...journaled });
      // Nothing is published between the lines above and this one: publishing is synchronous.
      unsubscribe = hub.subscribe({
        onEvent: (journaled) => send({ type: 'event', ...journaled }),
        onPreview: sendPreview,
        onQueue: (queue) => send({ type: 'queue', queue }),
        onProblem: (code, message) => send({ type: 'error', code, message }),
      });
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
      unsubscribe?.();
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
        serve(webSocket);
      });
    },
    close() {
      clearInterval(pinger);
      for (const socket of wss.clients) socket.terminate();
      wss.close();
    },
  };
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
