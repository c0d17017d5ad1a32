/** What the server asks of pictures and videos, as plain functions; the worker's entry only connects a port. */
import {
  type FileBytes,
  fileFactsOf,
  inspectImage,
  probeVideo,
  readPart,
  readWorkflowFromVideo,
  sniffedBytes,
  sniffVideo,
} from '@reelgraph/media';
import { type FileFacts, NodeError } from '@reelgraph/node-api';

export interface MediaRequest {
  readonly id: number;
  readonly kind: 'inspect' | 'facts' | 'read-workflow';
  /** An open file stays open until the answer. */
  readonly bytes: FileBytes;
}

/** What an uploaded picture or video turned out to be. */
export interface InspectedFile {
  readonly mediaType: string;
  readonly widthPx: number;
  readonly heightPx: number;
}

export type MediaAnswer =
  | { readonly id: number; readonly kind: 'inspected'; readonly file: InspectedFile }
  | { readonly id: number; readonly kind: 'facts'; readonly facts: FileFacts }
  | { readonly id: number; readonly kind: 'workflow'; readonly text: string | undefined }
  | {
      readonly id: number;
      readonly kind: 'refused';
      readonly code: string;
      readonly message: string;
      readonly hint: string | undefined;
    }
  | { readonly id: number; readonly kind: 'failed'; readonly message: string };

/** Answers one request; never rejects. */
export async function handleMediaRequest({ id, kind, bytes }: MediaRequest): Promise<MediaAnswer> {
  try {
    if (kind === 'read-workflow') return { id, kind: 'workflow', text: await readWorkflowFromVideo(bytes) };
    if (kind === 'facts') return { id, kind, facts: await fileFactsOf(bytes) };
    const videoType = sniffVideo(await readPart(bytes, 0, sniffedBytes));
    const { mediaType, widthPx, heightPx } =
      videoType === undefined
        ? await inspectImage(await readPart(bytes, 0, bytes.byteLength))
        : { mediaType: videoType, ...(await probeVideo(bytes)) };
    return { id, kind: 'inspected', file: { mediaType, widthPx, heightPx } };
  } catch (error) {
    if (error instanceof NodeError)
      return { id, kind: 'refused', code: error.code, message: error.message, hint: error.hint };
    return { id, kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}
