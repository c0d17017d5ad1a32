import { open } from 'node:fs/promises';
import { errnoOf } from './errors.ts';

/** How Windows says that a folder cannot be flushed; there names are durable without it. */
const refusals = new Set(['EPERM', 'EISDIR', 'EACCES']);

/** What of the system a test replaces. */
export interface FolderSystem {
  readonly platform: NodeJS.Platform;
  open(path: string): Promise<{ sync(): Promise<void>; close(): Promise<void> }>;
}

const thisSystem: FolderSystem = { platform: process.platform, open: (path) => open(path, 'r') };

/** Makes the names in a folder durable. Errors are those of Node, with `code`. */
export async function syncFolder(path: string, system: FolderSystem = thisSystem): Promise<void> {
  try {
    const folder = await system.open(path);
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (system.platform !== 'win32' || !refusals.has(errnoOf(error) ?? '')) throw error;
  }
}
