/** Open files piece by piece, and what tells their contents apart. */
import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';

/** Read at once; memory does not grow with the file. */
const pieceBytes = 1024 * 1024;
/** A change within the same tick of the file system's clock shows in no time of the file; some tick every two seconds. */
const settledMs = 2000;
const maxRemembered = 2000;

/** Bytes of a file from its beginning, whatever was read of it before; the caller closes it. */
export async function* piecesOf(file: FileHandle): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; ; ) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

/**
 * SHA-256 of open files, lower-case hex. A file is read once, and again when the file system tells of a change.
 *
 * @param now milliseconds since 1970
 */
export function createFileDigests(now: () => number = Date.now): (file: FileHandle) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  return async (file) => {
    const stamp = await stampOf(file);
    const remembered = known.get(stamp.text);
    if (remembered !== undefined) return remembered;
    const isSettled = now() - stamp.changedMs > settledMs;
    const digest = digestOfPieces(piecesOf(file));
    remember(known, stamp.text, digest);
    try {
      const found = await digest;
      if (!isSettled || (await stampOf(file)).text !== stamp.text) known.delete(stamp.text);
      return found;
    } catch (error) {
      known.delete(stamp.text);
      throw error;
    }
  };
}

async function stampOf(file: FileHandle): Promise<{ text: string; changedMs: number }> {
  const { dev, ino, size, mtimeNs, ctimeNs } = await file.stat({ bigint: true });
  const changedNs = mtimeNs > ctimeNs ? mtimeNs : ctimeNs;
  return { text: [dev, ino, size, mtimeNs, ctimeNs].join(' '), changedMs: Number(changedNs / 1_000_000n) };
}

async function digestOfPieces(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** Keeps the newest. */
export function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > maxRemembered && oldest !== undefined) map.delete(oldest);
}
