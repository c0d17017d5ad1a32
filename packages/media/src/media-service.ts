/** The media service of the run context. */
import type { FileRef, MediaService } from '@reelgraph/node-api';
import { safeFileName } from '@reelgraph/node-api';
import { decodeImage, resizeImage } from './image-files.ts';
import { openVideo } from './open-video.ts';
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
    decodeVideo: (video, selection, signal) =>
      openVideo(video, selection, { tempFolder, keepFile: putFile }, signal),
    muxVideo: ({ name, ...request }, signal) =>
      withVideoFile(request, tempFolder, signal, (path) =>
        putFile(path, { mediaType: 'video/mp4', name: `${safeFileName(name)}.mp4` }),
      ),
  };
}
