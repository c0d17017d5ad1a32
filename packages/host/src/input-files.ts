/**
 * Files that `file` params name. A name comes from a document of a stranger, so it is relative, plain, and
 * looked for only under the given roots; links are not followed out of them.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { dirname, join, sep } from 'node:path';
import { type InputFiles, NodeError } from '@reelgraph/node-api';
import { isDeviceName } from './device-names.ts';
import { createFileDigests, piecesOf } from './file-pieces.ts';
import { fileTooLarge, largestFileBytes, plainFileBytes } from './input-limits.ts';

export interface InputRoot {
  readonly folder: string;
  /** Only names that start with this folder name are looked for here, and `folder` is what it stands for. */
  readonly prefix?: string;
}

export interface OpenInput {
  /** The caller closes it. */
  readonly handle: FileHandle;
  readonly byteLength: number;
}

export interface LocatedInputFiles extends InputFiles {
  /** The open file, or undefined when no root has it. */
  open(name: string): Promise<OpenInput | undefined>;
  /** SHA-256 of a file, which is read once for all that ask. @throws NodeError 'file/not-found' | 'file/too-large' */
  digest(name: string): Promise<string>;
  digestOf(opened: OpenInput): Promise<string>;
}

const maxDepth = 8;
/** Links are not followed, and nothing is waited for: a pipe without a writer would hold a thread for ever. */
const openFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
/** Letters and digits of any script, `_`, and inside also `.`, `-` and spaces; no control or invisible signs. */
const segmentPattern = /^[\p{L}\p{N}_](?:[\p{L}\p{N}._ -]{0,126}[\p{L}\p{N}_-])?$/u;

/** What a person reads of a file that is not among the inputs; of places outside it tells nothing, not whether there is a file. */
export function fileNotFound(name: string): { code: string; message: string; hint: string } {
  const code = 'file/not-found';
  if (!isPlaceOutside(name))
    return { code, message: `There is no input file "${name}".`, hint: 'Choose the file again.' };
  return {
    code,
    message: `An input file is named by its name in the inputs folder or beside the workflow, not by a path such as "${name}".`,
    hint: 'Choose the file in the editor, give it to the command line with --set <input>=<file>, or put it into the folder "inputs" of the data folder and name it inputs/<file>.',
  };
}

/** An absolute path of any system, one from a home folder, or one that leads up. */
function isPlaceOutside(name: string): boolean {
  return /^(?:[/\\~]|[a-z]:[/\\])|(?:^|[/\\])\.\.(?:[/\\]|$)/i.test(name);
}

/** The parts of a name that may be looked for; undefined for any other name. */
function segmentsOf(name: string): string[] | undefined {
  const segments = name.split('/');
  const isPlain = (segment: string) => segmentPattern.test(segment) && !isDeviceName(segment);
  return segments.length <= maxDepth && segments.every(isPlain) ? segments : undefined;
}

/** Opens a plain file below `folder` without following a link out of it. */
async function openBelow(folder: string, segments: readonly string[]): Promise<OpenInput | undefined> {
  const path = join(folder, ...segments);
  try {
    const root = await realpath(folder);
    const parent = await realpath(dirname(path));
    if (parent !== root && !parent.startsWith(root + sep)) return undefined;
    const handle = await open(join(parent, segments.at(-1) ?? ''), openFlags);
    const info = await handle.stat();
    // A second name of the same file may lie outside, so a hard link is no better than a symbolic one.
    if (info.isFile() && info.nlink === 1) return { handle, byteLength: info.size };
    await handle.close();
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'ENAMETOOLONG')
      return undefined;
    throw error;
  }
}

/** Input files found in the first root that has them. */
export function createInputFiles(roots: readonly InputRoot[]): LocatedInputFiles {
  const digestOfHandle = createFileDigests();
  async function openInput(name: string): Promise<OpenInput | undefined> {
    const segments = segmentsOf(name);
    if (segments === undefined) return undefined;
    for (const root of roots) {
      const below =
        root.prefix === undefined ? segments : segments[0] === root.prefix ? segments.slice(1) : [];
      if (below.length === 0) continue;
      const found = await openBelow(root.folder, below);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async function find(name: string, limitBytes: number): Promise<OpenInput> {
    const found = await openInput(name);
    if (found === undefined) {
      const { code, message, hint } = fileNotFound(name);
      throw new NodeError(code, message, { hint });
    }
    if (found.byteLength <= limitBytes) return found;
    await found.handle.close();
    throw fileTooLarge(`The input file "${name}"`, limitBytes);
  }

  return {
    open: openInput,
    digestOf: ({ handle }) => digestOfHandle(handle),
    async digest(name) {
      const { handle } = await find(name, largestFileBytes());
      return digestOfHandle(handle).finally(() => handle.close());
    },
    async read(name) {
      const { handle } = await find(name, plainFileBytes);
      return handle.readFile().finally(() => handle.close());
    },
    async *stream(name) {
      const limitBytes = largestFileBytes();
      const { handle } = await find(name, limitBytes);
      try {
        let byteLength = 0;
        for await (const piece of piecesOf(handle)) {
          byteLength += piece.byteLength;
          // It grows while it is read.
          if (byteLength > limitBytes) throw fileTooLarge(`The input file "${name}"`, limitBytes);
          yield piece;
        }
      } finally {
        await handle.close();
      }
    },
  };
}
