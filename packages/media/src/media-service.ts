/** The media service of the run context. */
import type { FileRef, MediaService } from '@reelgraph/node-api';
import { safeFileName } from '@reelgraph/node-api';
import { decodeVideo } from './decode-video.ts';
import { decodeImage, resizeImage } from './image-files.ts';
import { withVideoFile } from './video-files.ts';

export interface MediaServiceOptions {
  /**
   * Takes a finished file into the artifact store; it may move the file away. The path is gone afterwards.
   */
  putFile(path: string, about: { mediaType: string; name: string }): Promise<FileRef>;
  /** Folder for work in progress, best on the disk of the store so that taking a file is a rename. */
  readonly tempFolder: string;
}

/** Media by sharp and ffmpeg. Nothing to dispose: every call cleans up after itself. */
export function createMediaService({ putFile, tempFolder }: MediaServiceOptions): MediaService {
  return {
    decodeImage,
    resizeImage,
    decodeVideo: (bytes, selection, signal) => decodeVideo(bytes, selection, tempFolder, signal),
    muxVideo: ({ frames, fps, quality, metadata, name }, signal) =>
      withVideoFile({ pixels: frames.pixels, fps, quality, metadata }, tempFolder, signal, (path) =>
        putFile(path, { mediaType: 'video/mp4', name: `${safeFileName(name)}.mp4` }),
      ),
  };
}
