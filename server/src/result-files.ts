/** Whether the files that a run names as its results are there. */
import { stat } from 'node:fs/promises';
import type { FileSummary } from '@reelgraph/graph';
import type { Store } from '@reelgraph/store';

/** How many files are missing, or have another size than was told. Their bytes are checked by who reads them. */
export async function countMissingFiles(
  store: Pick<Store, 'blobPath'>,
  files: readonly FileSummary[],
): Promise<number> {
  const found = await Promise.all(
    files.map(async ({ digest, byteLength }) => {
      const size = await stat(store.blobPath(digest)).then(
        (stats) => stats.size,
        () => undefined,
      );
      return size === byteLength;
    }),
  );
  return found.filter((isThere) => !isThere).length;
}
