export { createClipDecoder } from './decode-video.ts';
export { findFfmpeg } from './ffmpeg-program.ts';
export { type FileBytes, type OpenFile, readPart } from './file-bytes.ts';
export { fileFactsOf } from './file-facts.ts';
export {
  decodeImage,
  encodePng,
  encodePreview,
  type ImageInfo,
  imageLimits,
  inspectImage,
  type PreviewStrip,
  resizeChunk,
} from './image-files.ts';
export { type ImageMediaType, sniffImage } from './image-format.ts';
export { createMediaService, type MediaServiceOptions } from './media-service.ts';
export { decodeVideoFile } from './video-files.ts';
export { readVideoMetadata, readWorkflowFromVideo, workflowTag } from './video-metadata.ts';
export { probeVideo, sniffedBytes, sniffVideo, type VideoInfo } from './video-probe.ts';
