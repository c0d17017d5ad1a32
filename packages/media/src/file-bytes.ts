/** Bytes of a file to look into: in memory, or in an open file, of which only the parts that are asked for are read. */
import { read } from 'node:fs';
import { promisify } from 'node:util';
import { NodeError } from '@reelgraph/node-api';
import { BufferSource, CustomSource, type Source } from 'mediabunny';

/** A file that somebody else opened and closes. Threads of a process share its descriptor. */
export interface OpenFile {
  readonly fd: number;
  readonly byteLength: number;
}

export type FileBytes = Uint8Array | OpenFile;

/** What is read in one piece at most; a file of a stranger may claim that its table of contents is larger. */
const maxPieceBytes = 64 * 1024 * 1024;
const readAt = promisify(read);

/**
 * Bytes from `at` on; fewer than `byteLength` where the file ends.
 *
 * @throws NodeError 'media/too-large'
 */
export async function readPart(file: FileBytes, at: number, byteLength: number): Promise<Uint8Array> {
  if (file instanceof Uint8Array) return file.subarray(at, at + byteLength);
  const wanted = Math.max(0, Math.min(byteLength, file.byteLength - at));
  if (wanted > maxPieceBytes) {
    throw new NodeError(
      'media/too-large',
      `The file has ${Math.ceil(wanted / 1e6)} MB that would have to be read in one piece.`,
    );
  }
  const bytes = new Uint8Array(wanted);
  let filled = 0;
  while (filled < wanted) {
    const { bytesRead } = await readAt(file.fd, bytes, filled, wanted - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

/** The file for the parser of containers. */
export function sourceOf(file: FileBytes): Source {
  if (file instanceof Uint8Array) return new BufferSource(file);
  return new CustomSource({
    getSize: () => file.byteLength,
    read: (start, end) => readPart(file, start, end - start),
    prefetchProfile: 'fileSystem',
  });
}
