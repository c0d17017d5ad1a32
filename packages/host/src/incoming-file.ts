/** Files that come from elsewhere: written beside their place as they come, hashed on the way, kept whole or not at all. */
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileTooLarge, headBytes, limitOf, plainFileBytes } from './input-limits.ts';

/** A file that has come, under no name yet. */
export interface IncomingFile {
  /** To look into it, until it is kept. */
  readonly fd: number;
  readonly byteLength: number;
  /** SHA-256 of its bytes, lower-case hex */
  readonly digest: string;
  /** Its first bytes, as many as tell what it is. */
  readonly head: Uint8Array;
  /** Gives it this name in the folder, once its bytes have reached the disk; a file of that name is replaced. */
  keepAs(name: string): Promise<void>;
}

/** No file takes that long between two of its pieces. */
const leftoverMs = 60 * 60 * 1000;
const leftoverPattern = /^\.[0-9a-f-]{36}\.incoming$/;

/**
 * Hands what `pieces` gives to `use` as a file. Memory does not grow with it, and nothing stays behind unless it was
 * kept.
 *
 * @throws NodeError 'file/too-large' as soon as there are more bytes than a file that begins like this may have; what
 *   `pieces` and `use` throw; errors of the disk
 */
export async function withIncomingFile<T>(
  pieces: AsyncIterable<Uint8Array>,
  folder: string,
  use: (file: IncomingFile) => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${randomUUID()}.incoming`);
  const file = await open(temporary, 'wx+');
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await file.close();
    isOpen = false;
  };
  try {
    const hash = createHash('sha256');
    let byteLength = 0;
    let head = new Uint8Array(0);
    let limitBytes = plainFileBytes;
    for await (const piece of pieces) {
      if (head.length < headBytes) {
        head = new Uint8Array(Buffer.concat([head, piece.subarray(0, headBytes - head.length)]));
        limitBytes = limitOf(head);
      }
      byteLength += piece.byteLength;
      if (byteLength > limitBytes) throw fileTooLarge('The file', limitBytes);
      hash.update(piece);
      await file.writeFile(piece);
    }
    return await use({
      fd: file.fd,
      byteLength,
      digest: hash.digest('hex'),
      head,
      async keepAs(name) {
        await file.sync();
        await close();
        await rename(temporary, join(folder, name));
      },
    });
  } finally {
    await close().catch(() => undefined);
    // The first error says what is wrong with the disk.
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}

/** Removes what processes that were killed left of incoming files. Never throws: it can wait. */
export async function removeIncomingLeftovers(folder: string, now = Date.now()): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    if (!leftoverPattern.test(name)) continue;
    const path = join(folder, name);
    const changedMs = (await stat(path).catch(() => undefined))?.mtimeMs ?? now;
    if (now - changedMs > leftoverMs) await rm(path, { force: true }).catch(() => undefined);
  }
}
