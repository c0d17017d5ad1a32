/** Bytes in and out: uploaded pictures and videos, videos to read a workflow from, results and input files. */
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { parseWorkflow } from '@reelgraph/graph';
import {
  type DataFolder,
  type IncomingFile,
  isFileTooLarge,
  type LocatedInputFiles,
  largestFileBytes,
  withIncomingFile,
} from '@reelgraph/host';
import { byteRoutes, type UploadAnswer } from '@reelgraph/protocol';
import { isDigest, type Store } from '@reelgraph/store';
import type { Request, RequestHandler, Response } from 'express';
import { HttpError, notFound } from '../http-error.ts';
import type { MediaClient } from '../media/media-client.ts';
import { oneAtATime } from '../one-at-a-time.ts';
import type { CallRegistry } from '../register-call.ts';
import { isSafetensors, sniffLength, sniffMediaType } from '../sniff.ts';
import { invalidWorkflow } from './workflow-routes.ts';

export interface FileRouteParts {
  readonly folder: DataFolder;
  readonly inputFiles: Pick<LocatedInputFiles, 'open'>;
  readonly store: Store;
  readonly media: MediaClient;
}

const endings: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
  'video/mp4': 'mp4',
  'video/webm': 'webm',
};

/** A document of its own with no rights: results are shown, never run. */
const resultPolicy =
  "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; sandbox";

function declaredType(request: Request): string {
  return (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? '';
}

/** Types that a form of a foreign page can send without the browser asking are not among the accepted. */
function requireType(accepts: (type: string) => boolean, expected: string): RequestHandler {
  return (request, _response, next) => {
    if (!accepts(declaredType(request)))
      throw new HttpError(415, 'http/wrong-type', `This address takes ${expected}.`);
    next();
  };
}

/**
 * Hands the body to `use` as a file in the folder of inputs, written as it comes; it is gone afterwards unless it was
 * kept. A client that is refused, or leaves, leaves nothing.
 */
async function withBody<T>(
  request: Request,
  { folder }: FileRouteParts,
  use: (file: IncomingFile) => Promise<T>,
): Promise<T> {
  const encoding = request.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw new HttpError(415, 'http/unsupported-encoding', 'The body must be sent uncompressed.');
  if (Number(request.headers['content-length'] ?? 0) > largestFileBytes()) throw tooLarge();
  try {
    // A body that is refused on the way must leave its connection to the answer.
    return await withIncomingFile(request.iterator({ destroyOnReturn: false }), folder.inputsFolder, use);
  } catch (error) {
    if (isFileTooLarge(error)) throw tooLarge(error);
    if (request.destroyed && !request.complete)
      throw new HttpError(400, 'http/bad-request', 'The request broke off.', { cause: error });
    throw error;
  }
}

function tooLarge(cause?: Error & { readonly hint?: string | undefined }): HttpError {
  return new HttpError(
    413,
    'http/too-large',
    cause?.message ?? 'The file is larger than this address accepts.',
    {
      hint: cause?.hint ?? 'Use a shorter video, or raise REELGRAPH_INPUT_VIDEO.',
      cause,
    },
  );
}

/** Name for a download, without anything that could end a header or name a folder. */
function downloadName(name: string): string {
  const safe = name
    .replace(/[^A-Za-z0-9._ -]/g, '_')
    .replace(/^[. ]+/, '')
    .slice(0, 120);
  return safe === '' ? 'download' : safe;
}

export function registerFileRoutes(registry: CallRegistry, parts: FileRouteParts): void {
  registry.bytes(
    'POST',
    byteRoutes.upload,
    requireType(
      (type) => type.startsWith('image/') || type.startsWith('video/') || type === 'application/octet-stream',
      'the bytes of an image or a video',
    ),
    async (request, response) => {
      const declared = declaredType(request);
      const answer = await withBody(request, parts, (file) => storeUpload(file, declared, parts));
      response.status(201).set('cache-control', 'no-store').json(answer);
    },
  );

  registry.bytes(
    'POST',
    byteRoutes.extractWorkflow,
    requireType(
      (type) => type === 'video/mp4' || type === 'application/octet-stream',
      'the bytes of an mp4 (video/mp4)',
    ),
    // Each is on the disk while it is looked into.
    oneAtATime(),
    async (request, response) => {
      const text = await withBody(request, parts, async ({ head, fd, byteLength }) =>
        sniffMediaType(head) === 'video/mp4' ? parts.media.readWorkflowText({ fd, byteLength }) : undefined,
      );
      if (text === undefined) {
        throw new HttpError(422, 'video/no-workflow', 'This file carries no Reelgraph workflow.', {
          hint: 'Only videos made by Reelgraph, and not re-encoded since, carry one.',
        });
      }
      const parsed = parseWorkflow(text);
      if (!parsed.ok) throw invalidWorkflow(parsed.issues);
      response.set('cache-control', 'no-store').json(parsed.workflow);
    },
  );

  registry.bytes('GET', byteRoutes.result(':digest'), async (request, response, next) => {
    const digest = request.params.digest;
    const path =
      typeof digest === 'string' && isDigest(digest) && (await parts.store.hasBlob(digest))
        ? parts.store.blobPath(digest)
        : undefined;
    if (path === undefined) throw noResult(parts.store, digest);
    const handle = await open(path, 'r');
    const mediaType = await mediaTypeOf(handle).finally(() => handle.close());
    const { download } = request.query;
    setFileHeaders(response, mediaType, typeof download === 'string' ? download : undefined);
    response.set('cache-control', 'private, max-age=31536000, immutable');
    response.sendFile(path, { dotfiles: 'allow', cacheControl: false, lastModified: false }, (error) => {
      if (error !== undefined && !response.writableEnded) next(error);
    });
  });

  registry.bytes('GET', byteRoutes.file('*name'), async (request, response) => {
    const { name } = request.params;
    const found = await parts.inputFiles.open(Array.isArray(name) ? name.join('/') : '');
    if (found === undefined) throw notFound('There is no input file with this name.');
    try {
      setFileHeaders(response, await mediaTypeOf(found.handle), undefined);
      response.set({ 'cache-control': 'private, no-cache', 'content-length': String(found.byteLength) });
      if (request.method === 'HEAD') response.end();
      // By handle and not by path: what was checked is what is read.
      else await pipeline(createReadStream('', { fd: found.handle, start: 0, autoClose: false }), response);
    } catch (error) {
      // A reader that left wants no answer; one that has half of a file must not take it for the whole.
      if (!response.headersSent && !response.destroyed) throw error;
      response.destroy();
    } finally {
      await found.handle.close();
    }
  });
}

/** Named by content, so the same file is stored once and no name of a stranger reaches the disk. */
async function storeUpload(
  file: IncomingFile,
  declared: string,
  { media }: FileRouteParts,
): Promise<UploadAnswer> {
  const { fd, byteLength, digest, head } = file;
  if (isSafetensors(head)) {
    const name = `${digest}.safetensors`;
    await file.keepAs(name);
    return { file: `inputs/${name}`, mediaType: 'application/vnd.safetensors', byteLength };
  }
  const isKnown = Object.hasOwn(endings, sniffMediaType(head) ?? '');
  if (!isKnown && !declared.startsWith('image/')) throw nothingKnown(declared);
  const found = await media.inspect({ fd, byteLength });
  const ending = endings[found.mediaType];
  if (ending === undefined)
    throw new HttpError(422, 'media/not-an-image', 'This is not a PNG, JPEG or WebP image.');
  const name = `${digest}.${ending}`;
  await file.keepAs(name);
  return {
    file: `inputs/${name}`,
    mediaType: found.mediaType,
    byteLength,
    widthPx: found.widthPx,
    heightPx: found.heightPx,
  };
}

/** What is said of bytes that nothing here can read, in words of what they were said to be. Of images their reader says it. */
function nothingKnown(declared: string): HttpError {
  return declared.startsWith('video/')
    ? new HttpError(422, 'media/not-a-video', 'The file is not an MP4 or WebM video.', {
        hint: 'Save the video as MP4 or WebM and choose it again.',
      })
    : new HttpError(
        422,
        'media/unknown',
        'The file is no picture (PNG, JPEG, WebP), no video (MP4, WebM) and no latent (safetensors).',
      );
}

/** What is said of a result that is not there: whether it once was. */
function noResult(store: Store, digest: unknown): HttpError {
  const hint = 'Run the workflow again to make it.';
  if (typeof digest === 'string' && isDigest(digest) && store.wasEvicted(digest))
    return new HttpError(410, 'result/evicted', 'This result had to make room for others.', { hint });
  return notFound('There is no result with this digest.', hint);
}

async function mediaTypeOf(handle: FileHandle): Promise<string | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(sniffLength), 0, sniffLength, 0);
  return sniffMediaType(buffer.subarray(0, bytesRead));
}

/** Known pictures and clips may be shown in place; anything else is only ever saved. */
function setFileHeaders(
  response: Response,
  mediaType: string | undefined,
  download: string | undefined,
): void {
  const isInline = mediaType !== undefined && download === undefined;
  response.set({
    'content-type': mediaType ?? 'application/octet-stream',
    'content-disposition': isInline
      ? 'inline'
      : `attachment; filename="${downloadName(download ?? 'download')}"`,
    'content-security-policy': resultPolicy,
  });
}
