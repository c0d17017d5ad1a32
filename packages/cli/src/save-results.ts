/** Copies what a run made to where the person wants it. */
import { constants } from 'node:fs';
import { access, copyFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import type { FileSummary, RunState, Workflow } from '@reelgraph/graph';
import type { Store } from '@reelgraph/store';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import type { SavedFile } from './reporters.ts';

interface ResultFile {
  /** Name of the exposed output, or else the node's id. */
  readonly name: string;
  readonly nodeId: string;
  readonly file: FileSummary;
}

/**
 * Files of a workflow's exposed outputs, and of its other end nodes; the same bytes once, under the name that an
 * end node such as *Save video* gave them.
 */
export function resultFiles(workflow: Workflow, state: RunState): ResultFile[] {
  const found = new Map<string, ResultFile>();
  const add = (name: string, nodeId: string, file: FileSummary | undefined) => {
    if (file === undefined) return;
    const known = found.get(file.digest);
    found.set(file.digest, known === undefined ? { name, nodeId, file } : { ...known, file });
  };
  for (const [name, output] of Object.entries(workflow.outputs)) {
    add(name, output.node, state.nodes[output.node]?.outputs?.[output.port]?.file);
  }
  const feeding = new Set(workflow.edges.map((edge) => edge.from[0]));
  for (const [nodeId, node] of Object.entries(state.nodes)) {
    if (feeding.has(nodeId)) continue;
    for (const output of Object.values(node.outputs ?? {})) add(nodeId, nodeId, output.file);
  }
  return [...found.values()];
}

/**
 * Saves files under `out`, or under their own names in the current folder when there is none.
 *
 * One file goes to `out` itself; of several each has its output's name inserted: `clip-<name>.mp4`. Into a
 * folder they go under their own names.
 */
export async function saveResults(
  files: readonly ResultFile[],
  store: Store,
  out: string | undefined,
): Promise<SavedFile[]> {
  const saved: SavedFile[] = [];
  for (const { name, nodeId, file } of files) {
    const target = await targetPath({ name, file, count: files.length, out });
    if (!(await store.hasBlob(file.digest))) {
      throw new CliError(
        exitCodes.runFailed,
        'store/damaged',
        `The result "${file.name}" is no longer in the data folder.`,
        {
          hint: 'Run again: it is computed anew.',
        },
      );
    }
    await copyAtomically(store.blobPath(file.digest), target);
    saved.push({
      nodeId,
      path: target,
      digest: file.digest,
      mediaType: file.mediaType,
      byteLength: file.byteLength,
    });
  }
  return saved;
}

/** Finds out before the work whether its result could be saved. @throws CliError when it could not */
export async function prepareTarget(out: string | undefined): Promise<void> {
  const ending = out === undefined || out.endsWith('/') ? '' : extname(out);
  if (ending !== '' && !['.mp4', '.safetensors'].includes(ending.toLowerCase())) {
    throw new CliError(
      exitCodes.usage,
      'cli/other-format',
      `Videos are saved as .mp4, so "${out}" would not be what its name says.`,
      { hint: `Use --out ${out?.slice(0, -ending.length)}.mp4; nothing was computed yet.` },
    );
  }
  const path = resolve(out ?? '.');
  const folder = out === undefined || out.endsWith('/') ? path : dirname(path);
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK);
  } catch (cause) {
    throw new CliError(
      exitCodes.usage,
      'cli/cannot-save',
      `Nothing can be saved to ${folder}: it is no folder, or may not be written.`,
      {
        hint: 'Choose another --out; nothing was computed yet.',
        cause,
      },
    );
  }
}

async function targetPath({
  name,
  file,
  count,
  out,
}: {
  name: string;
  file: FileSummary;
  count: number;
  out: string | undefined;
}) {
  if (out === undefined) return freeName(resolve(file.name));
  const path = resolve(out);
  const isFolder = out.endsWith('/') || (await stat(path).catch(() => undefined))?.isDirectory() === true;
  if (isFolder) return freeName(join(path, file.name));
  // One name for files of several kinds: each has the ending of its own.
  const named = withEnding(path, extname(file.name));
  return count === 1 ? named : withSuffix(named, name);
}

function withEnding(path: string, ending: string): string {
  const now = extname(path);
  if (now === '' || ending === '' || now.toLowerCase() === ending.toLowerCase()) return path;
  return `${path.slice(0, -now.length)}${ending}`;
}

function withSuffix(path: string, suffix: string): string {
  const ending = extname(path);
  return `${path.slice(0, path.length - ending.length)}-${suffix}${ending}`;
}

/** The path itself or, where something is already there, with a number: nothing is overwritten unasked. */
async function freeName(path: string): Promise<string> {
  for (let number = 1; ; number += 1) {
    const candidate = number === 1 ? path : withSuffix(path, String(number));
    if ((await stat(candidate).catch(() => undefined)) === undefined) return candidate;
  }
}

async function copyAtomically(from: string, to: string): Promise<void> {
  const temporary = join(dirname(to), `.${process.pid}-${Date.now()}.tmp`);
  try {
    await mkdir(dirname(to), { recursive: true });
    await copyFile(from, temporary);
    await rename(temporary, to);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'an error';
    const why = code === 'ENOSPC' ? 'the disk is full' : `the disk answered ${code}`;
    throw new CliError(
      exitCodes.runFailed,
      'cli/cannot-save',
      `The result could not be saved to ${to}: ${why}.`,
      {
        hint: 'It is kept in the data folder: run the same command again with another --out and nothing is computed twice.',
        cause,
      },
    );
  }
}
