/** Where the frames of long clips lie: beside the artifact store while they are written, in it afterwards. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { type FileRef, type FrameFiles, NodeError } from '@reelgraph/node-api';
import { diskError, type Store } from '@reelgraph/store';

/** Where a file of the store lies, seen to be whole. @throws NodeError 'frames/gone' */
export async function pathOfKept(store: Store, { digest }: FileRef): Promise<string> {
  if (await store.hasBlob(digest)) return store.blobPath(digest);
  throw new NodeError(
    'frames/gone',
    'The file that these frames are read from is no longer there, or has changed.',
    {
      hint: 'Run again: it is made, or read in, anew.',
    },
  );
}

export function createFrameFiles(store: Store): FrameFiles {
  return {
    async create() {
      const path = store.temporaryPath();
      const file = await open(path, 'wx+');
      let isOpen = true;
      const close = async (): Promise<void> => {
        if (isOpen) await file.close();
        isOpen = false;
      };
      return {
        write: (bytes) => writeAll(file, bytes),
        read: (at, byteLength) => readAt(file, at, byteLength),
        async keep(about) {
          await file.sync();
          await close();
          return { kind: 'file', ...about, ...(await store.putFile(path, { move: true })) };
        },
        async close() {
          await close();
          await rm(path, { force: true });
        },
      };
    },
    async open(ref) {
      const file = await open(await pathOfKept(store, ref), 'r');
      return {
        read: (at, byteLength) => readAt(file, at, byteLength),
        async reportDamage() {
          await store.checkBlob(ref.digest);
        },
        close: () => file.close(),
      };
    },
  };
}

/** Fewer bytes only where the file ends. */
async function readAt(file: FileHandle, at: number, byteLength: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteLength);
  let filled = 0;
  while (filled < byteLength) {
    const { bytesRead } = await file.read(bytes, filled, byteLength - filled, at + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  try {
    let at = 0;
    while (at < bytes.byteLength) at += (await file.write(bytes, at)).bytesWritten;
  } catch (error) {
    throw diskError(error, 'keeping frames');
  }
}
