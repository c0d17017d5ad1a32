/** Nodes that are played over a connection: words out, frames in. */
import type { LiveAnswer, LiveFrame, LiveRequest } from '@reelgraph/protocol';

/** A frame that followed from an action. */
export type PlayedFrame = Extract<LiveAnswer, { type: 'live.frame' }>;

export interface OpenLiveOptions {
  readonly nodeType: string;
  /** Those that are absent have their defaults. */
  readonly params: Readonly<Record<string, string | number | boolean>>;
  /** The first picture. */
  onOpened(frame: LiveFrame): void;
  onFrame(frame: PlayedFrame): void;
  /** Called once; nothing follows. `code` is `live/closed` after `close()`. */
  onEnded(code: string, message: string): void;
}

/** A session as the one who plays holds it. */
export interface LiveSession {
  /** Asks for the frame that follows from an action. After the end it does nothing. */
  act(action: string): void;
  close(): void;
}

/** The sessions of one connection. */
export interface LiveTable {
  open(options: OpenLiveOptions): LiveSession;
  receive(answer: LiveAnswer): void;
  /** The connection is gone, and all sessions with it. */
  lose(): void;
}

/** `send` tells whether there is a connection to send over. */
export function createLiveTable(send: (request: LiveRequest) => boolean): LiveTable {
  const sessions = new Map<string, OpenLiveOptions>();
  let opened = 0;

  function end(liveId: string, code: string, message: string): void {
    const session = sessions.get(liveId);
    sessions.delete(liveId);
    session?.onEnded(code, message);
  }

  const lost = 'The connection to the server was lost. What was played is kept.';
  return {
    open(options) {
      opened += 1;
      const liveId = `${opened}`;
      sessions.set(liveId, options);
      const { nodeType, params } = options;
      if (!send({ type: 'live.open', liveId, nodeType, params: { ...params } })) {
        // Told a turn later, so that a caller has its session first.
        queueMicrotask(() => end(liveId, 'live/not-connected', 'There is no connection to the server.'));
      }
      return {
        act(action) {
          if (sessions.has(liveId)) send({ type: 'live.act', liveId, action });
        },
        close() {
          if (!sessions.has(liveId)) return;
          send({ type: 'live.close', liveId });
          end(liveId, 'live/closed', 'The session was closed.');
        },
      };
    },
    receive(answer) {
      switch (answer.type) {
        case 'live.opened':
          sessions.get(answer.liveId)?.onOpened(answer.frame);
          return;
        case 'live.frame':
          sessions.get(answer.liveId)?.onFrame(answer);
          return;
        case 'live.ended':
          end(answer.liveId, answer.code, answer.message);
      }
    },
    lose() {
      for (const liveId of [...sessions.keys()]) end(liveId, 'live/connection-lost', lost);
    },
  };
}
