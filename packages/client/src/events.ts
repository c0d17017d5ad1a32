/**
 * The live picture of all runs over one WebSocket. A dropped connection is made again by itself and continues
 * from the last cursor, so a listener sees every event once and in order, or is given the whole picture anew.
 */
import {
  encodeClientMessage,
  eventsPath,
  type Preview,
  ProtocolError,
  parseServerMessage,
  protocolVersion,
  type QueueSummary,
  type ServerMessage,
} from '@reelgraph/protocol';
import { createLiveTable, type LiveSession, type OpenLiveOptions } from './live.ts';

export type Welcome = Extract<ServerMessage, { type: 'welcome' }>;
export type StreamedEvent = Extract<ServerMessage, { type: 'event' }>;

/**
 * `connecting`: first try, or trying again; `open`: events flow; `closed`: `close()` was called;
 * `refused`: the server speaks another protocol version, or wants a token: trying again would not help.
 */
export type ConnectionStatus = 'connecting' | 'open' | 'closed' | 'refused';

export interface ConnectEventsOptions {
  /**
   * On every (re)connection. `runs` present: forget what was known and start from it; absent: the missed
   * events follow through `onEvent`.
   */
  onWelcome(welcome: Welcome): void;
  onEvent(message: StreamedEvent): void;
  onPreview(preview: Preview): void;
  /** The queue is another than the last one told; the first comes with the welcome. */
  onQueue?(queue: QueueSummary): void;
  onStatus?(status: ConnectionStatus, detail?: string): void;
  /** Something is wrong that ends no run, for example a full disk. */
  onProblem?(code: string, message: string): void;
  /** Waiting time before trying again, from the number of failed tries in a row. */
  readonly retryDelayMs?: (failures: number) => number;
}

export interface EventConnection {
  readonly status: ConnectionStatus;
  /** Plays a node; one at a time. */
  openLive(options: OpenLiveOptions): LiveSession;
  close(): void;
}

const unreadableGreeting =
  'The server is of another version than this page and cannot be understood. Reload the page.';

interface Endpoint {
  readonly baseUrl: string;
  readonly token?: string;
  readonly WebSocket: typeof globalThis.WebSocket;
  /** Why the server would refuse everybody who comes as we do; undefined when it does not, or does not answer. */
  readonly findRefusal?: () => Promise<string | undefined>;
}

/** Doubles from 0.25 s to 5 s, with a random part so that many pages do not come back at once. */
function defaultRetryDelayMs(failures: number): number {
  const base = Math.min(5000, 250 * 2 ** Math.min(failures, 5));
  return base * (0.75 + Math.random() / 2);
}

/** Connects, and stays connected until `close()`. */
export function connectEvents(endpoint: Endpoint, options: ConnectEventsOptions): EventConnection {
  const retryDelayMs = options.retryDelayMs ?? defaultRetryDelayMs;
  let status: ConnectionStatus = 'connecting';
  let socket: WebSocket | undefined;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;
  /** The server has greeted on this connection. */
  let isWelcome = false;
  /**
   * What was seen last, and who counted it; undefined until the first welcome. `progress`: `seq` of the newest
   * report of each run since that cursor, which reports do not move.
   */
  let seen: { serverId: string; cursor: number; progress: Map<string, number> } | undefined;

  const live = createLiveTable((request) => {
    if (status !== 'open' || socket?.readyState !== endpoint.WebSocket.OPEN) return false;
    socket.send(encodeClientMessage(request));
    return true;
  });

  function setStatus(next: ConnectionStatus, detail?: string): void {
    if (status === 'closed') return;
    status = next;
    options.onStatus?.(next, detail);
  }

  function handle(message: ServerMessage): void {
    switch (message.type) {
      case 'welcome':
        failures = 0;
        isWelcome = true;
        // With `runs` the picture already is at `cursor`; without, it is still at what was seen.
        if (message.runs !== undefined || seen === undefined) {
          const progress = new Map((message.runs ?? []).map((run) => [run.runId, run.lastSeq]));
          seen = { serverId: message.serverId, cursor: message.cursor, progress };
        }
        setStatus('open');
        options.onWelcome(message);
        options.onQueue?.(message.queue);
        return;
      case 'event':
        if (isNew(message)) options.onEvent(message);
        return;
      case 'queue':
        options.onQueue?.(message.queue);
        return;
      case 'preview':
        options.onPreview(message.preview);
        return;
      case 'live.opened':
      case 'live.frame':
      case 'live.ended':
        live.receive(message);
        return;
      case 'error':
        // What is wrong before the greeting is wrong with how this page greets.
        if (!isWelcome) refuse(message.message);
        else options.onProblem?.(message.code, message.message);
    }
  }

  /** Whether an event was not told yet; notes it. */
  function isNew({ cursor, event }: StreamedEvent): boolean {
    if (seen === undefined || cursor < seen.cursor) return false;
    if (event.type === 'node.progress') {
      if (event.seq <= (seen.progress.get(event.runId) ?? 0)) return false;
      seen.progress.set(event.runId, event.seq);
    } else {
      if (cursor === seen.cursor) return false;
      seen = { serverId: seen.serverId, cursor, progress: new Map() };
    }
    return true;
  }

  function refuse(detail: string): void {
    setStatus('refused', detail);
    clearTimeout(retryTimer);
    socket?.close();
  }

  function open(): void {
    retryTimer = undefined;
    const current = createSocket(endpoint);
    socket = current;
    let wasOpen = false;
    isWelcome = false;
    current.addEventListener('open', () => {
      wasOpen = true;
      current.send(
        encodeClientMessage({
          type: 'hello',
          protocol: protocolVersion,
          ...(seen === undefined ? {} : { since: seen.cursor, serverId: seen.serverId }),
        }),
      );
    });
    current.addEventListener('message', (event) => {
      if (current !== socket || typeof event.data !== 'string') return;
      let message: ServerMessage;
      try {
        message = parseServerMessage(event.data);
      } catch (error) {
        // It would greet the next time as it did now.
        if (!isWelcome) {
          const isOtherVersion = error instanceof ProtocolError && error.code === 'protocol/version-mismatch';
          refuse(isOtherVersion ? error.message : unreadableGreeting);
          return;
        }
        // A message that cannot be read may have been an event: ask for the whole picture again.
        seen = undefined;
        current.close();
        return;
      }
      handle(message);
    });
    // A browser tells `error` and then `close`; Node's WebSocket tells only `error` when it was refused.
    let isLost = false;
    const handleLoss = () => {
      if (isLost || current !== socket || status === 'closed' || status === 'refused') return;
      isLost = true;
      live.lose();
      setStatus('connecting');
      retryTimer = setTimeout(open, retryDelayMs(failures));
      failures += 1;
      // The reason of a refusal is not told to a WebSocket; a plain request hears it.
      if (!wasOpen) void endpoint.findRefusal?.().then((reason) => reason !== undefined && refuse(reason));
    };
    current.addEventListener('close', handleLoss);
    current.addEventListener('error', handleLoss);
  }

  options.onStatus?.('connecting');
  open();
  return {
    get status() {
      return status;
    },
    openLive: (request) => live.open(request),
    close() {
      if (status === 'closed') return;
      live.lose();
      setStatus('closed');
      clearTimeout(retryTimer);
      socket?.close();
    },
  };
}

/** A server wants to know which page asks. A browser says so by itself; elsewhere we name the server's own address. */
function createSocket(endpoint: Endpoint): WebSocket {
  const url = eventsUrl(endpoint);
  if (typeof globalThis.location === 'object') return new endpoint.WebSocket(url);
  const headers = { origin: new URL(url.replace(/^ws/, 'http')).origin };
  // Node's WebSocket takes headers as its second argument; the type of the browser's does not know them.
  const socket: WebSocket = Reflect.construct(endpoint.WebSocket, [url, { headers }]);
  return socket;
}

/** In a browser the page's own address is the default, and a token travels in its cookie. */
function eventsUrl(endpoint: Endpoint): string {
  const base = endpoint.baseUrl === '' ? globalThis.location.href : endpoint.baseUrl;
  const url = new URL(eventsPath, base);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  if (endpoint.token !== undefined) url.searchParams.set('token', endpoint.token);
  return url.href;
}
