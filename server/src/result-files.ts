/** Results and media as the byte routes need them; the libraries behind are loaded when first needed. */
import type { Store } from '@reelgraph/store';
import { isDigest } from '@reelgraph/store';
import type { FileRouteParts } from './routes/file-routes.ts';

export function createResultFiles(
  store: Store,
): Pick<FileRouteParts, 'locateResult' | 'inspectImage' | 'readWorkflowText'> {
  return {
    locateResult: async (digest) =>
      isDigest(digest) && (await store.hasBlob(digest)) ? store.blobPath(digest) : undefined,
    inspectImage: async (bytes) => (await import('@reelgraph/media')).inspectImage(bytes),
    readWorkflowText: async (mp4) => (await import('@reelgraph/media')).readWorkflowFromVideo(mp4),
  };
}
