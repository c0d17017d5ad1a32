/** Services for tests and benches whose nodes reach for nothing. */
import type { MediaService, ModelService } from '@reelgraph/node-api';
import type { DigestedFiles } from './engine-types.ts';

const absent = (): never => {
  throw new Error('This node was not expected to use a service.');
};

/** Every call throws. */
export const absentServices: {
  readonly models: ModelService;
  readonly media: MediaService;
  readonly files: DigestedFiles;
} = {
  models: {
    resolve: absent,
    facts: absent,
    encodeText: absent,
    denoise: absent,
    encodeFrames: absent,
    decodeLatent: absent,
    decodeByChunk: absent,
    previewLatent: absent,
    openWorld: absent,
    stepWorld: absent,
  },
  media: { decodeImage: absent, resizeImage: absent, decodeVideo: absent, muxVideo: absent },
  files: { read: absent, stream: absent, digest: absent },
};
