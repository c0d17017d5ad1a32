/** What a user reads when the process that computed the run is gone. */
import type { RunError } from '@reelgraph/graph';
import type { RunnerExit } from './runner-process.ts';

const reasons: Partial<Record<NodeJS.Signals, string>> = {
  SIGKILL: 'it was killed from outside (SIGKILL)',
  SIGSEGV: 'its native code crashed (SIGSEGV)',
  SIGABRT: 'its native code gave up (SIGABRT)',
  SIGBUS: 'its native code crashed (SIGBUS), often because a disk is full',
  SIGILL: 'this processor lacks an instruction it needs (SIGILL)',
};
const kept = 'What was finished is kept: run again to continue.';

export function runnerDiedError({ code, signal, outOfMemory, endedBecause }: RunnerExit): RunError {
  if (endedBecause?.kind === 'silent') {
    return {
      code: 'runner/silent',
      message: `The process that computed this run showed no sign of life for ${Math.round(endedBecause.forMs / 1000)} s and was ended.`,
      hint: `${kept} If it stops at the same node again, that node goes on for ever with these params: change them. Where it only takes its time, allow more with REELGRAPH_SILENT_SECONDS.`,
    };
  }
  if (outOfMemory === true) {
    return {
      code: 'runner/out-of-memory',
      message: `The process that computed this run is gone: memory ran out${signal === null ? '' : ` (${signal})`}.`,
      hint: `${kept} Use a smaller size or fewer frames, or end other programs that need memory.`,
    };
  }
  const reason =
    endedBecause?.kind === 'unreadable'
      ? 'it said what nobody can read, and was ended'
      : signal !== null
        ? (reasons[signal] ?? `it was ended by ${signal}`)
        : code !== null
          ? `it ended by itself with exit code ${code}`
          : 'it could not be started';
  return {
    code: 'runner/died',
    message: `The process that computed this run is gone: ${reason}.`,
    hint: `${kept} If it happens again, try a smaller size or fewer frames.`,
  };
}
