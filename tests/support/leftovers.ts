/** What a server and its runners leave behind: processes of theirs that go on, files in the making. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** The name of the variable by which all processes that come from a server are known. */
export const markName = 'REELGRAPH_TEST_MARK';

export interface MarkedProcess {
  readonly pid: number;
  readonly command: string;
}

/** Processes that carry this mark in their environment and are no zombies; empty where there is no /proc. */
export function processesMarked(mark: string): MarkedProcess[] {
  if (!existsSync('/proc')) return [];
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return [];
    try {
      // Of a zombie there is nothing to read.
      if (!readFileSync(`/proc/${name}/environ`, 'latin1').includes(`${markName}=${mark}`)) return [];
      const command = readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      return [{ pid: Number(name), command }];
    } catch {
      return [];
    }
  });
}

/** Waits until no process carries the mark, and ends those that stay. */
export async function endMarked(mark: string, graceMs = 3000): Promise<void> {
  const until = performance.now() + graceMs;
  for (let left = processesMarked(mark); left.length > 0; left = processesMarked(mark)) {
    if (performance.now() > until) {
      for (const { pid } of left) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It has just ended.
        }
      }
    }
    await pause(20);
  }
}

/** Names of the files and folders in the making in a data folder. */
export function temporaryFiles(dataFolder: string): string[] {
  const folder = join(dataFolder, 'artifacts', 'tmp');
  return existsSync(folder) ? readdirSync(folder) : [];
}
