/** What the server asks of pictures and videos, as plain functions; the worker's entry only connects a port. */
import { inspectImage, readWorkflowFromVideo } from '@reelgraph/media';
import { NodeError } from '@reelgraph/node-api';

export interface MediaRequest {
  readonly id: number;
  readonly kind: 'inspect-image' | 'read-workflow';
  readonly bytes: Uint8Array;
}

/** What an uploaded picture turned out to be. */
export interface InspectedImage {
  readonly mediaType: string;
  readonly widthPx: number;
  readonly heightPx: number;
}

export type MediaAnswer =
  | { readonly id: number; readonly kind: 'image'; readonly image: InspectedImage }
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
    const { mediaType, widthPx, heightPx } = await inspectImage(bytes);
    return { id, kind: 'image', image: { mediaType, widthPx, heightPx } };
  } catch (error) {
    if (error instanceof NodeError)
      return { id, kind: 'refused', code: error.code, message: error.message, hint: error.hint };
    return { id, kind: 'failed', message: error instanceof Error ? error.message : String(error) };
  }
}
