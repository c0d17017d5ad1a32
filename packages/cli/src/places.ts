/** Where the command line looks for things: the same data folder as the server, so that results are shared. */
import { join, resolve } from 'node:path';

/** The clone this program lies in; its templates and its data folder belong to it. */
export const projectRoot = resolve(import.meta.dirname, '../../..');

/** Data folder: `--data`, else `REELGRAPH_DATA`, else `.reelgraph` in the project. */
export function dataFolderPath(option: string | undefined): string {
  return resolve(option ?? process.env.REELGRAPH_DATA ?? join(projectRoot, '.reelgraph'));
}
