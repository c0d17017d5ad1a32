/**
 * Tells many connections the same. What is to be told is gathered for a moment and written out once, as one stretch of
 * WebSocket frames whose bytes all connections share: a burst of events costs a write per connection and not one per
 * event, and who has not taken it yet holds a reference and no copy.
 */
import { encodeServerMessage, type ServerMessage } from '@reelgraph/protocol';

/** Everything told since the last time, as frames. */
export interface Burst {
  readonly frames: Buffer;
  /** The same without moving pictures, for who is behind: the next one replaces them. */
  readonly withoutPreviews: Buffer;
}

export interface OutboxOptions {
  /** Takes a burst to every connection; how long that took is the pause before the next. */
  readonly deliver: (burst: Burst) => void;
}

export class Outbox {
  readonly #deliver: OutboxOptions['deliver'];
  #messages: ServerMessage[] = [];
  #timer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #isResting = false;

  constructor({ deliver }: OutboxOptions) {
    this.#deliver = deliver;
  }

  tell(message: ServerMessage): void {
    this.#messages.push(message);
    if (!this.#isResting) this.#turn ??= setImmediate(() => this.flush());
  }

  /** Delivers what was told so far; nothing, when nothing was. */
  flush(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
    if (this.#messages.length === 0) return;
    const began = performance.now();
    this.#deliver(burstOf(this.#messages.splice(0)));
    const tookMs = performance.now() - began;
    // A crowd takes no more than half of the time, however many events there are.
    if (this.#isResting || tookMs < 1) return;
    this.#isResting = true;
    this.#timer = setTimeout(() => {
      this.#isResting = false;
      this.flush();
    }, tookMs);
  }

  close(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#turn);
    this.#messages = [];
  }
}

function burstOf(messages: readonly ServerMessage[]): Burst {
  const frames = messages.map((message) => ({
    frame: textFrame(message),
    isPreview: message.type === 'preview',
  }));
  const all = Buffer.concat(frames.map(({ frame }) => frame));
  if (!frames.some(({ isPreview }) => isPreview)) return { frames: all, withoutPreviews: all };
  const rest = frames.flatMap(({ frame, isPreview }) => (isPreview ? [] : [frame]));
  return { frames: all, withoutPreviews: Buffer.concat(rest) };
}

/**
 * A message as a whole, unmasked text frame, as servers send them.
 * @see RFC 6455, section 5.2
 */
function textFrame(message: ServerMessage): Buffer {
  const text = encodeServerMessage(message);
  const length = Buffer.byteLength(text);
  const headerLength = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafe(headerLength + length);
  frame[0] = 0x81;
  if (headerLength === 2) frame[1] = length;
  else if (headerLength === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeBigUInt64BE(BigInt(length), 2);
  }
  frame.write(text, headerLength);
  return frame;
}
