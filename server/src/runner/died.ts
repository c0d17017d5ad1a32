/** What a user reads when the process that computed the run is gone. */
import type { RunError } from '@reelgraph/graph';
import type { RunnerExit } from './runner-process.ts';

const reasons: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: 'it was killed from outside (SIGKILL), often by the system because memory ran out',
  SIGSEGV: 'its native code crashed (SIGSEGV)',
  SIGABRT: 'its native code gave up (SIGABRT)',
  SIGBUS: 'its native code crashed (SIGBUS), often because a disk is full',
  SIGILL: 'this processor lacks an instruction it needs (SIGILL)',
};

export function runnerDiedError(exit: RunnerExit): RunError {
  const reason =
    exit.signal !== null
      ? (reasons[exit.signal] ?? `it was ended by ${exit.signal}`)
      : exit.code !== null
        ? `it ended with exit code ${exit.code}`
        : 'it could not be started';
  return {
    code: 'runner/died',
    message: `The process that computed this run is gone: ${reason}.`,
    hint: 'What was finished is kept: run again to continue. If it happens again, try a smaller size or fewer frames.',
  };
}
