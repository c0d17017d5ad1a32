/** Whether folders changed, told without reading what is in their files. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** A model package is a folder of components in a root: root / package / component / file. */
const maxDepth = 3;

/** Names, sizes and times of all files below the folders; equal as long as nothing there changes. */
export async function folderStamp(folders: readonly string[]): Promise<string> {
  const lines: string[] = [];
  async function look(path: string, depth: number): Promise<void> {
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const { name } of entries) {
      const below = join(path, name);
      // Followed, since a package may be a link.
      const info = await stat(below).catch(() => undefined);
      if (info === undefined) continue;
      if (!info.isDirectory()) lines.push(`${below} ${info.size} ${info.mtimeMs}`);
      else if (depth < maxDepth) await look(below, depth + 1);
    }
  }
  for (const folder of folders) await look(folder, 1);
  return lines.sort().join('\n');
}
