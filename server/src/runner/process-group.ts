/** A runner leads a process group, so that the programs it started end with it however it ends. */

/** Windows has no such groups; there programs end when their input does. */
export const hasProcessGroups = process.platform !== 'win32';

/** Kills a runner and the group that it leads; with `isGone` what is left of the group. Nothing happens when all are gone. */
export function killGroup(leader: number, { isGone = false } = {}): void {
  // Its number alone may be another's by then.
  if (isGone && !hasProcessGroups) return;
  try {
    process.kill(hasProcessGroups ? -leader : leader, 'SIGKILL');
  } catch {
    // Nobody is left.
  }
}

/**
 * Ends this process and the programs that it started, at once: native code may be in flight, and an orderly exit
 * would wait for it or crash in it.
 */
export function endGroupNow(): never {
  killGroup(process.pid);
  process.kill(process.pid, 'SIGKILL');
  throw new Error('unreachable: the process is gone');
}
