import { errnoOf } from './errors.ts';

/** Whether a process of this machine is alive. Ids are given again, so `true` is no proof that it is the same one. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}
