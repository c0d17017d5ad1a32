/**
 * Plays a node: keys in, frames out. A key that goes down is an action at once; while it is held, and while none is,
 * an action follows for every frame. The log is what frames have come of, so it makes these frames again.
 *
 *   opening ──first picture──> playing <──key / nothing done for a while──> waiting
 *      └────────────────────────────┴──────────────┴──> over
 */
import type { LiveSession, OpenLiveOptions } from '@reelgraph/client';
import type { LivePlayInfo } from '@reelgraph/graph';
import { Observable } from './observable.ts';

type LiveFrame = Parameters<OpenLiveOptions['onOpened']>[0];

export interface LiveState {
  readonly phase: 'opening' | 'playing' | 'waiting' | 'over';
  /** Frames that followed from actions. */
  readonly frameCount: number;
  /** From the action to its frame, in ms; median of the last ones. */
  readonly latencyMs: number | undefined;
}

export interface LivePlayerOptions {
  readonly info: LivePlayInfo;
  /** Opens the session; undefined when there is no connection. */
  readonly open: (
    handlers: Pick<OpenLiveOptions, 'onOpened' | 'onFrame' | 'onEnded'>,
  ) => LiveSession | undefined;
  /** Every picture, as soon as it is there. */
  readonly onFrame: (frame: LiveFrame) => void;
  /** Called once, with all that was done; `problem` when it was not the person who stopped. */
  readonly onOver: (log: readonly string[], problem: string | undefined) => void;
  readonly now?: () => number;
}

/** Actions on the way above which the next waits: a slow server is not given more than it can do. */
const mostOnTheWay = 2;
/** Without a key for this long time stands still, so that a forgotten tab fills no log. */
const standStillAfterMs = 3000;
const latenciesKept = 21;

export class LivePlayer {
  readonly state = new Observable<LiveState>({ phase: 'opening', frameCount: 0, latencyMs: undefined });
  readonly #options: LivePlayerOptions;
  readonly #now: () => number;
  readonly #log: string[] = [];
  readonly #sentAtMs: number[] = [];
  readonly #latencies: number[] = [];
  /** Keys that are down, the newest last. */
  #held: string[] = [];
  /** Actions of keys that went down while too many were on the way. */
  readonly #tapped: string[] = [];
  #lastKeyMs: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #session: LiveSession | undefined;

  constructor(options: LivePlayerOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#lastKeyMs = this.#now();
    this.#session = options.open({
      onOpened: (frame) => {
        if (this.state.get().phase !== 'opening') return;
        options.onFrame(frame);
        this.#lastKeyMs = this.#now();
        this.#setPhase('playing');
        this.#arm();
      },
      onFrame: ({ action, frame }) => {
        if (this.state.get().phase === 'over') return;
        this.#log.push(action);
        const sentAtMs = this.#sentAtMs.shift();
        if (sentAtMs !== undefined) {
          this.#latencies.push(this.#now() - sentAtMs);
          if (this.#latencies.length > latenciesKept) this.#latencies.shift();
        }
        options.onFrame(frame);
        this.state.update((state) => ({
          ...state,
          frameCount: this.#log.length,
          latencyMs: median(this.#latencies),
        }));
        const tapped = this.#tapped.shift();
        if (tapped !== undefined) this.#send(tapped);
      },
      onEnded: (_code, message) => this.#end(message),
    });
    if (this.#session === undefined) this.#end('There is no connection to the server.');
  }

  /** Whether the key does something here. */
  takes(key: string): boolean {
    return this.#actionOf(key) !== undefined;
  }

  keyDown(key: string): void {
    const action = this.#actionOf(key);
    const { phase } = this.state.get();
    if (action === undefined || this.#held.includes(key) || phase === 'opening' || phase === 'over') return;
    this.#held.push(key);
    this.#lastKeyMs = this.#now();
    if (phase === 'waiting') this.#setPhase('playing');
    if (this.#sentAtMs.length < mostOnTheWay) this.#send(action);
    else if (this.#tapped.length < mostOnTheWay) this.#tapped.push(action);
    this.#arm();
  }

  keyUp(key: string): void {
    this.#held = this.#held.filter((other) => other !== key);
    this.#lastKeyMs = this.#now();
  }

  /** No key is down any more: the picture lost the keyboard. */
  releaseAll(): void {
    this.#held = [];
  }

  /** Ends it and tells what was done. */
  stop(): void {
    this.#end(undefined);
  }

  #actionOf(key: string): string | undefined {
    const { keys } = this.#options.info;
    return Object.hasOwn(keys, key) ? keys[key] : undefined;
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#tick(), 1000 / this.#options.info.fps);
  }

  #tick(): void {
    if (this.#held.length === 0 && this.#now() - this.#lastKeyMs > standStillAfterMs) {
      this.#setPhase('waiting');
      return;
    }
    if (this.#sentAtMs.length < mostOnTheWay) {
      const { idle, once } = this.#options.info;
      const held = this.#held.map((key) => this.#actionOf(key) ?? idle);
      this.#send(held.findLast((action) => !once.includes(action)) ?? idle);
    }
    this.#arm();
  }

  #send(action: string): void {
    this.#sentAtMs.push(this.#now());
    this.#session?.act(action);
  }

  #setPhase(phase: LiveState['phase']): void {
    this.state.update((state) => ({ ...state, phase }));
  }

  #end(problem: string | undefined): void {
    if (this.state.get().phase === 'over') return;
    clearTimeout(this.#timer);
    this.#setPhase('over');
    this.#session?.close();
    this.#options.onOver(this.#log, problem);
  }
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
}
