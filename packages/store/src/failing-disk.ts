/** A disk for tests that fails at one call, or lies about one write. */
import { type Disk, nodeDisk } from './disk.ts';

export interface FailingDisk extends Disk {
  /** Changing calls so far. */
  readonly calls: number;
  /** The call (counted from 1, from now on) to fail, and how; undefined for none. */
  failAt(call: number | undefined, code?: string): void;
}

export function createFailingDisk(): FailingDisk {
  let calls = 0;
  let failing: { readonly call: number; readonly code: string } | undefined;
  const count = (name: string): void => {
    calls += 1;
    if (failing !== undefined && failing.call === calls) {
      throw Object.assign(new Error(`${failing.code}: injected, ${name}`), { code: failing.code });
    }
  };
  return {
    ...nodeDisk,
    get calls() {
      return calls;
    },
    failAt(call, code = 'ENOSPC') {
      calls = 0;
      failing = call === undefined ? undefined : { call, code };
    },
    async write(path, chunks, options) {
      // A full disk takes a part and then no more.
      try {
        count('write');
      } catch (error) {
        await nodeDisk.write(path, [chunks[0]?.subarray(0, 10) ?? new Uint8Array()], options);
        throw error;
      }
      await nodeDisk.write(path, chunks, options);
    },
    writeSync(path, bytes) {
      try {
        count('writeSync');
      } catch (error) {
        nodeDisk.writeSync(path, bytes.subarray(0, 10));
        throw error;
      }
      nodeDisk.writeSync(path, bytes);
    },
    async overwrite(path, bytes) {
      try {
        count('overwrite');
      } catch (error) {
        await nodeDisk.overwrite(path, bytes.subarray(0, bytes.byteLength / 2));
        throw error;
      }
      await nodeDisk.overwrite(path, bytes);
    },
    overwriteSync(path, bytes) {
      try {
        count('overwriteSync');
      } catch (error) {
        nodeDisk.overwriteSync(path, bytes.subarray(0, bytes.byteLength / 2));
        throw error;
      }
      nodeDisk.overwriteSync(path, bytes);
    },
    async copy(from, to, options) {
      count('copy');
      await nodeDisk.copy(from, to, options);
    },
    async sync(path) {
      count('sync');
      await nodeDisk.sync(path);
    },
    async rename(from, to) {
      count('rename');
      await nodeDisk.rename(from, to);
    },
    renameSync(from, to) {
      count('renameSync');
      nodeDisk.renameSync(from, to);
    },
    async syncFolder(path) {
      count('syncFolder');
      await nodeDisk.syncFolder(path);
    },
    async makeFolder(path) {
      count('makeFolder');
      await nodeDisk.makeFolder(path);
    },
    makeFolderSync(path) {
      count('makeFolderSync');
      nodeDisk.makeFolderSync(path);
    },
  };
}
