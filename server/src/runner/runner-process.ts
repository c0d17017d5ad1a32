/** A runner as the supervisor sees it: messages in, messages out, one end. Tests put a script in its place. */
import { type ChildProcess, fork } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import { type FromRunner, parseFromRunner, type ToRunner } from '@reelgraph/protocol';
import { saysOutOfMemory, watchMemoryKills } from './out-of-memory.ts';
import { hasProcessGroups, killGroup } from './process-group.ts';

/** How a process ended; `signal` when it was killed. */
export interface RunnerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last it wrote to stderr: for the operator's log, never for a client. */
  readonly stderrTail: string;
  /** It had no memory left, by its own words or by the system's count of those it killed for that. */
  readonly outOfMemory?: boolean;
  /** Why it was ended by us. */
  readonly endedBecause?:
    | { readonly kind: 'silent'; readonly forMs: number }
    | { readonly kind: 'unreadable' };
}

export interface RunnerListener {
  onMessage(message: FromRunner): void;
  /** A message nothing can read; the runner is of another version or has lost its mind. */
  onBadMessage(error: unknown): void;
  /** Called once. */
  onExit(exit: RunnerExit): void;
}

export interface RunnerProcess {
  readonly pid: number | undefined;
  send(message: ToRunner): void;
  /** Ends it and the programs that it started. */
  kill(): void;
}

export type StartRunner = (listener: RunnerListener) => RunnerProcess;

const stderrTailLength = 4000;
/** How long the last words of a process that ended are waited for. */
const lastWordsMs = 100;

export interface ForkOptions {
  /** Entry file of the child. */
  readonly entry: string;
  readonly args: readonly string[];
}

/** Forks `entry` as a runner. */
export function forkRunner({ entry, args }: ForkOptions): StartRunner {
  return (listener) => {
    const child = fork(entry, [...args], {
      serialization: 'json',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      // A group of its own, which ends as one.
      detached: hasProcessGroups,
      env: {
        ...process.env,
        // Read when the library loads: a product that people trust does not phone home.
        ORT_DISABLE_TELEMETRY: '1',
      },
    });
    connectListener(child, listener);
    yieldToOthers(child.pid);
    return {
      pid: child.pid,
      send: (message) => {
        // A runner that just died closes its channel before `exit` arrives; the exit tells the story.
        if (child.connected) child.send(message, () => {});
      },
      kill: () => {
        if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
          killGroup(child.pid);
      },
    };
  };
}

/** A model takes every core and all the memory it gets; the server and the person's desktop go first. */
function yieldToOthers(pid: number | undefined): void {
  if (pid === undefined) return;
  const wishes = [
    () => setPriority(pid, Math.min(19, getPriority() + 5)),
    // Where memory runs out, Linux ends the process with most points.
    () => writeFileSync(`/proc/${pid}/oom_score_adj`, '500'),
  ];
  for (const wish of wishes) {
    try {
      wish();
    } catch {
      // Not to be had everywhere, and gone already when it died at once; a runner works without it.
    }
  }
}

function connectListener(child: ChildProcess, listener: RunnerListener): void {
  let stderrTail = '';
  let ended = false;
  const memoryKills = watchMemoryKills();
  const end = (code: number | null, signal: NodeJS.Signals | null) => {
    if (ended) return;
    ended = true;
    const wasChosen = signal === 'SIGKILL' && memoryKills.hasKilled();
    const outOfMemory = wasChosen || saysOutOfMemory(stderrTail);
    listener.onExit({ code, signal, stderrTail, ...(outOfMemory ? { outOfMemory } : {}) });
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderrTail = (stderrTail + text).slice(-stderrTailLength);
  });
  child.on('message', (value: unknown) => {
    memoryKills.look();
    let message: FromRunner;
    try {
      message = parseFromRunner(value);
    } catch (error) {
      listener.onBadMessage(error);
      return;
    }
    listener.onMessage(message);
  });
  child.once('error', (error) => {
    stderrTail = `${stderrTail}\n${error.message}`.slice(-stderrTailLength);
    // Emitted without an exit when the process could not even be started.
    if (child.pid === undefined) end(null, null);
  });
  child.once('exit', (code, signal) => {
    // What it wrote last is read by then; programs that it started may hold the pipe open for longer.
    child.once('close', () => end(code, signal));
    setTimeout(() => end(code, signal), lastWordsMs).unref();
    // They go with it.
    if (child.pid !== undefined) killGroup(child.pid, { isGone: true });
  });
}
