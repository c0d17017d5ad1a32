/** Memory of a process with all that it started, as Linux tells it. */
import { readdirSync, readFileSync } from 'node:fs';

/** Resident memory, bytes, of each process of a tree by its name; what ended meanwhile is left out. */
export function residentOfTree(rootPid: number): ReadonlyMap<string, number> {
  const children = new Map<number, number[]>();
  const names = new Map<number, string>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const [, name = '', parent = ''] = /^\d+ \((.*)\) \S (\d+)/s.exec(textOf(`/proc/${pid}/stat`)) ?? [];
    if (parent === '') continue;
    names.set(pid, name);
    children.set(Number(parent), [...(children.get(Number(parent)) ?? []), pid]);
  }
  const resident = new Map<string, number>();
  const tree = [rootPid];
  for (const pid of tree) {
    tree.push(...(children.get(pid) ?? []));
    const [, kilobytes = '0'] = /^VmRSS:\s+(\d+) kB/m.exec(textOf(`/proc/${pid}/status`)) ?? [];
    const name = names.get(pid) ?? 'gone';
    resident.set(name, (resident.get(name) ?? 0) + Number(kilobytes) * 1024);
  }
  return resident;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** Most resident memory of a tree at one time, watched until `stop`. */
export function watchTree(
  rootPid: number,
  everyMs = 50,
): { stop(): { readonly bytes: number; readonly of: ReadonlyMap<string, number> } } {
  let bytes = 0;
  let of: ReadonlyMap<string, number> = new Map();
  const look = (): void => {
    const resident = residentOfTree(rootPid);
    const sum = [...resident.values()].reduce((total, value) => total + value, 0);
    if (sum > bytes) [bytes, of] = [sum, resident];
  };
  const timer = setInterval(look, everyMs);
  return {
    stop() {
      clearInterval(timer);
      return { bytes, of };
    },
  };
}
