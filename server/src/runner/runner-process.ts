/** A runner as the supervisor sees it: messages in, messages out, one end. Tests put a script in its place. */
import { type ChildProcess, fork } from 'node:child_process';
import { setPriority } from 'node:os';
import { type FromRunner, parseFromRunner, type ToRunner } from '@reelgraph/protocol';

/** How a process ended; `signal` when it was killed. */
export interface RunnerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last it wrote to stderr: for the operator's log, never for a client. */
  readonly stderrTail: string;
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
  kill(): void;
}

export type StartRunner = (listener: RunnerListener) => RunnerProcess;

const stderrTailLength = 4000;

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
        child.kill('SIGKILL');
      },
    };
  };
}

/** A model takes every core it gets; the server and the person's desktop go first. */
function yieldToOthers(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, 5);
  } catch {
    // Not allowed everywhere, and gone already when it died at once; a runner works without it.
  }
}

function connectListener(child: ChildProcess, listener: RunnerListener): void {
  let stderrTail = '';
  let ended = false;
  const end = (code: number | null, signal: NodeJS.Signals | null) => {
    if (ended) return;
    ended = true;
    listener.onExit({ code, signal, stderrTail });
  };
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderrTail = (stderrTail + text).slice(-stderrTailLength);
  });
  child.on('message', (value: unknown) => {
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
  child.once('exit', end);
}
