/** Nodes being played in the runner: each takes its actions one after the other and answers each with a frame. */
import type { RunHost } from '@reelgraph/host';
import { type LivePlay, NodeError } from '@reelgraph/node-api';
import type { LiveAnswer, LiveFrame, LiveRequest } from '@reelgraph/protocol';

interface Player {
  readonly abort: AbortController;
  play: LivePlay | undefined;
  actions: number;
  /** What was asked last; the next waits for it. */
  tail: Promise<void>;
}

/** RGB bytes of [1, 3, 1, H, W] in [-1, 1], as text. */
export function liveFrameOf({ shape, data }: LivePlay['first']): LiveFrame {
  const [, , , heightPx = 0, widthPx = 0] = shape;
  const plane = heightPx * widthPx;
  const bytes = Buffer.alloc(plane * 3);
  for (let i = 0; i < plane; i++) {
    for (let channel = 0; channel < 3; channel++) {
      const level = Math.round(((data[channel * plane + i] ?? 0) + 1) * 127.5);
      bytes[3 * i + channel] = Math.min(255, Math.max(0, level));
    }
  }
  return { widthPx, heightPx, data: bytes.toString('base64') };
}

/** `send` carries answers to the server. */
export function createLivePlayers({
  open,
  send,
}: {
  readonly open: RunHost['openLive'];
  readonly send: (answer: LiveAnswer) => void;
}) {
  const players = new Map<string, Player>();

  function end(liveId: string, player: Player, error: unknown): void {
    if (player.abort.signal.aborted) return;
    player.abort.abort();
    players.delete(liveId);
    const { code, message } =
      error instanceof NodeError
        ? error
        : { code: 'live/failed', message: 'The node that was played met a problem of its own.' };
    send({ type: 'live.ended', liveId, code, message });
  }

  /** Does `work` after what was asked before, unless the player is gone by then. */
  function next(liveId: string, player: Player, work: () => Promise<void>): void {
    player.tail = player.tail.then(async () => {
      if (player.abort.signal.aborted) return;
      try {
        await work();
      } catch (error) {
        end(liveId, player, error);
      }
    });
  }

  return {
    receive(request: LiveRequest): void {
      const { liveId } = request;
      const known = players.get(liveId);
      switch (request.type) {
        case 'live.open': {
          const player: Player = {
            abort: new AbortController(),
            play: undefined,
            actions: 0,
            tail: Promise.resolve(),
          };
          players.set(liveId, player);
          next(liveId, player, async () => {
            const { nodeType, params } = request;
            player.play = await open({ nodeType, params, signal: player.abort.signal });
            send({ type: 'live.opened', liveId, frame: liveFrameOf(player.play.first) });
          });
          return;
        }
        case 'live.act':
          if (known === undefined) return;
          next(liveId, known, async () => {
            const before = performance.now();
            const picture = await known.play?.step(request.action);
            if (picture === undefined || known.abort.signal.aborted) return;
            known.actions += 1;
            send({
              type: 'live.frame',
              liveId,
              index: known.actions,
              action: request.action,
              frame: liveFrameOf(picture),
              modelMs: performance.now() - before,
            });
          });
          return;
        case 'live.close':
          known?.abort.abort();
          players.delete(liveId);
      }
    },
  };
}
