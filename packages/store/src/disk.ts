/**
 * The file system as the store uses it. An interface, so that a test can make the Nth call fail and see that
 * nothing half-written stays behind.
 */
import * as fs from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { syncFolder } from './sync-folder.ts';

/** What tells that a file is another than it was. */
export interface FileStamp {
  readonly byteLength: number;
  readonly modifiedMs: number;
  /** Of anything about the file; unlike `modifiedMs` it cannot be set back. */
  readonly changedMs: number;
}

/** A file system; errors are those of Node, with `code`. The `Sync` calls are for small files only. */
export interface Disk {
  /** Writes a new file; with `sync` its bytes have reached the disk before it resolves. */
  write(path: string, chunks: readonly Uint8Array[], options: { sync: boolean }): Promise<void>;
  writeSync(path: string, bytes: Uint8Array): void;
  /** Writes over the beginning of a file, which is made when it is missing; what lies behind stays. */
  overwrite(path: string, bytes: Uint8Array): Promise<void>;
  overwriteSync(path: string, bytes: Uint8Array): void;
  /** Copies a file; with `sync` as in `write`. */
  copy(from: string, to: string, options: { sync: boolean }): Promise<void>;
  /** Waits until the bytes of a file have reached the disk. */
  sync(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  renameSync(from: string, to: string): void;
  /** Makes the names in a folder durable. */
  syncFolder(path: string): Promise<void>;
  makeFolder(path: string): Promise<void>;
  makeFolderSync(path: string): void;
  /** Removes a file; a missing one is no error. */
  remove(path: string): Promise<void>;
  removeSync(path: string): void;
  /** Removes a file, or a folder with all it holds; a missing one is no error. */
  removeTree(path: string): Promise<void>;
  read(path: string): Promise<Uint8Array>;
  readSync(path: string): Uint8Array;
  /** Bytes of a file piece by piece. */
  stream(path: string): AsyncIterable<Uint8Array>;
  stat(path: string): Promise<FileStamp>;
  existsSync(path: string): boolean;
  list(path: string): Promise<readonly string[]>;
}

const overwriting = fs.constants.O_WRONLY | fs.constants.O_CREAT;

/** The machine's file system. */
export const nodeDisk: Disk = {
  async write(path, chunks, { sync }) {
    const file = await open(path, 'wx');
    try {
      for (const chunk of chunks) {
        let at = 0;
        while (at < chunk.byteLength) at += (await file.write(chunk, at)).bytesWritten;
      }
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
  },
  writeSync: (path, bytes) => fs.writeFileSync(path, bytes, { flag: 'wx' }),
  async overwrite(path, bytes) {
    const file = await open(path, overwriting);
    try {
      let at = 0;
      while (at < bytes.byteLength)
        at += (await file.write(bytes, at, bytes.byteLength - at, at)).bytesWritten;
    } finally {
      await file.close();
    }
  },
  overwriteSync(path, bytes) {
    const file = fs.openSync(path, overwriting);
    try {
      let at = 0;
      while (at < bytes.byteLength) at += fs.writeSync(file, bytes, at, bytes.byteLength - at, at);
    } finally {
      fs.closeSync(file);
    }
  },
  async copy(from, to, { sync }) {
    await copyFile(from, to, fs.constants.COPYFILE_EXCL);
    if (sync) await syncFile(to);
  },
  sync: (path) => syncFile(path),
  rename: (from, to) => rename(from, to),
  renameSync: (from, to) => fs.renameSync(from, to),
  syncFolder: (path) => syncFolder(path),
  async makeFolder(path) {
    await mkdir(path, { recursive: true });
  },
  makeFolderSync(path) {
    fs.mkdirSync(path, { recursive: true });
  },
  remove: (path) => rm(path, { force: true }),
  removeSync: (path) => fs.rmSync(path, { force: true }),
  removeTree: (path) => rm(path, { recursive: true, force: true }),
  read: (path) => readFile(path),
  readSync: (path) => fs.readFileSync(path),
  stream: (path) => fs.createReadStream(path, { highWaterMark: 1024 * 1024 }),
  async stat(path) {
    const { size, mtimeMs, ctimeMs } = await stat(path);
    return { byteLength: size, modifiedMs: mtimeMs, changedMs: ctimeMs };
  },
  existsSync: (path) => fs.existsSync(path),
  list: (path) => readdir(path),
};

async function syncFile(path: string): Promise<void> {
  // Windows flushes only what may be written; elsewhere a read-only file can be flushed too.
  const file = await open(path, process.platform === 'win32' ? 'r+' : 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
