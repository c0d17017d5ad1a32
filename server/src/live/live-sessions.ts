/**
 * Nodes being played: who plays, and how much. The runner makes the frames; here every session has one owner, who
 * alone hears of it, and ends when that connection does.
 *
 *   live.open ──> opening ──live.opened──> open ──live.ended──> gone
 */
import { maxLoggedActions } from '@reelgraph/graph';
import type { LiveAnswer, LiveRequest } from '@reelgraph/protocol';

export interface LiveSessionsOptions {
  /** To the runner. */
  readonly send: (request: LiveRequest) => void;
  readonly limits?: Partial<LiveLimits>;
}

export interface LiveLimits {
  /** Sessions of all clients together. */
  readonly sessions: number;
  /** Actions of one session: what its log can hold. */
  readonly actions: number;
  /** Actions on their way at one time; a client that waits for its frames has one or two. */
  readonly pending: number;
  /** A session without an action for this long is over. */
  readonly idleMs: number;
}

const defaultLimits: LiveLimits = {
  sessions: 4,
  actions: maxLoggedActions,
  pending: 16,
  idleMs: 2 * 60_000,
};

/** One client's end of it. */
export interface LiveConnection {
  receive(request: LiveRequest): void;
  /** The client is gone. */
  close(): void;
}

interface Session {
  /** Unique among all clients; what the runner calls it. */
  readonly runnerId: string;
  /** What the client calls it. */
  readonly liveId: string;
  readonly tell: (answer: LiveAnswer) => void;
  readonly onGone: () => void;
  actions: number;
  pending: number;
  idleTimer: ReturnType<typeof setTimeout> | undefined;
}

/** All sessions of a server. */
export class LiveSessions {
  readonly #send: (request: LiveRequest) => void;
  readonly #limits: LiveLimits;
  readonly #sessions = new Map<string, Session>();
  #opened = 0;

  constructor({ send, limits = {} }: LiveSessionsOptions) {
    this.#send = send;
    this.#limits = { ...defaultLimits, ...limits };
  }

  /** For a connection that plays; `tell` carries answers to it. */
  connect(tell: (answer: LiveAnswer) => void): LiveConnection {
    let session: Session | undefined;
    return {
      receive: (request) => {
        switch (request.type) {
          case 'live.open': {
            const { liveId } = request;
            const refuse = (code: string, message: string) =>
              tell({ type: 'live.ended', liveId, code, message });
            if (session !== undefined) {
              refuse('live/one-at-a-time', 'One node is played at a time; stop the other first.');
            } else if (this.#sessions.size >= this.#limits.sessions) {
              refuse('live/too-many', 'Too many people play on this server already; try again later.');
            } else {
              session = this.#open(request, tell, () => {
                session = undefined;
              });
            }
            return;
          }
          case 'live.act':
            // A session may end while an action for it is on its way.
            if (session?.liveId === request.liveId) this.#act(session, request.action);
            return;
          case 'live.close':
            if (session?.liveId === request.liveId)
              this.#end(session, 'live/closed', 'The session was closed.');
        }
      },
      close: () => {
        if (session !== undefined) this.#end(session, 'live/closed', 'The connection was closed.');
      },
    };
  }

  /** Takes what the runner says to the one it is for. */
  handle(answer: LiveAnswer): void {
    const session = this.#sessions.get(answer.liveId);
    // Frames of a session that has just been closed are for nobody.
    if (session === undefined) return;
    if (answer.type === 'live.frame') session.pending -= 1;
    if (answer.type === 'live.ended') this.#forget(session);
    session.tell({ ...answer, liveId: session.liveId });
    if (answer.type === 'live.frame' && answer.index >= this.#limits.actions)
      this.#end(session, 'live/full', `A session has at most ${this.#limits.actions} actions.`);
  }

  /** The runner is gone. */
  loseAll(): void {
    for (const session of [...this.#sessions.values()]) {
      this.#forget(session);
      session.tell({
        type: 'live.ended',
        liveId: session.liveId,
        code: 'runner/died',
        message: 'The process that made the frames is gone. What was played is kept; play on from the start.',
      });
    }
  }

  #open(
    { liveId, nodeType, params }: Extract<LiveRequest, { type: 'live.open' }>,
    tell: (answer: LiveAnswer) => void,
    onGone: () => void,
  ): Session {
    this.#opened += 1;
    const runnerId = `live-${this.#opened}`;
    const session: Session = {
      runnerId,
      liveId,
      tell,
      onGone,
      actions: 0,
      pending: 0,
      idleTimer: undefined,
    };
    this.#sessions.set(runnerId, session);
    this.#waitForAction(session);
    this.#send({ type: 'live.open', liveId: runnerId, nodeType, params });
    return session;
  }

  #act(session: Session, action: string): void {
    if (session.pending >= this.#limits.pending) {
      this.#end(session, 'live/too-fast', 'Actions came faster than frames can be made.');
      return;
    }
    // The frame of the last one ends the session.
    if (session.actions >= this.#limits.actions) return;
    session.actions += 1;
    session.pending += 1;
    this.#waitForAction(session);
    this.#send({ type: 'live.act', liveId: session.runnerId, action });
  }

  #waitForAction(session: Session): void {
    clearTimeout(session.idleTimer);
    session.idleTimer = setTimeout(
      () => this.#end(session, 'live/idle', 'Nothing was done for a while.'),
      this.#limits.idleMs,
    );
    session.idleTimer.unref();
  }

  #end(session: Session, code: string, message: string): void {
    this.#forget(session);
    this.#send({ type: 'live.close', liveId: session.runnerId });
    session.tell({ type: 'live.ended', liveId: session.liveId, code, message });
  }

  #forget(session: Session): void {
    clearTimeout(session.idleTimer);
    this.#sessions.delete(session.runnerId);
    session.onGone();
  }
}
