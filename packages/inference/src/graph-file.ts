/** Whether a file may be given to the runtime: it is ONNX by its content, within limits, and stays in its folder. */
import type { BigIntStats } from 'node:fs';
import { lstat, open, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, sep, win32 } from 'node:path';
import { describeFormat, formatOfFile } from './file-format.ts';
import { type OnnxScan, OnnxScanError, scanOnnx } from './onnx-scan.ts';

/** Why a file is not given to the runtime; the message goes on after its name: "model.onnx is a script". */
export class GraphFileError extends Error {
  override readonly name = 'GraphFileError';
}

/** A file that is one and the same as long as this is: a copy, an edit and a replacement all change it. */
export function identityOf(found: BigIntStats): string {
  return `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
}

/** Looks at files are remembered as long as the process lives: packages are read anew for every run. */
const seen = new Map<string, { readonly identity: string; readonly scan: OnnxScan }>();

/**
 * @returns what the graph is made of
 * @throws GraphFileError when it must not be opened; what the system says when it cannot be read
 */
export async function checkGraphFile(path: string): Promise<OnnxScan> {
  const identity = identityOf(await stat(path, { bigint: true }));
  const known = seen.get(path);
  const scan = known?.identity === identity ? known.scan : await look(path);
  seen.set(path, { identity, scan });
  for (const file of scan.externalFiles) await checkExternalFile(path, file);
  return scan;
}

async function look(path: string): Promise<OnnxScan> {
  const handle = await open(path);
  try {
    if (!(await handle.stat()).isFile()) throw new GraphFileError('is not a file');
    const { format } = await formatOfFile(handle);
    if (format !== 'onnx') throw new GraphFileError(describeFormat(format));
  } finally {
    await handle.close();
  }
  return scanOnnx(path).catch((error: unknown) => {
    throw error instanceof OnnxScanError ? new GraphFileError(error.message, { cause: error }) : error;
  });
}

/** Weights lie beside the graph or below it: a file from elsewhere would be read into the model, or out of it. */
async function checkExternalFile(graph: string, file: string): Promise<void> {
  const leaves = new GraphFileError(`names weights outside its folder: ${quoted(file)}`);
  const parts = file.split(/[/\\]/);
  if (file === '' || file.includes('\0') || isAbsolute(file) || win32.isAbsolute(file)) throw leaves;
  if (parts.includes('..') || /^[A-Za-z]:/.test(file)) throw leaves;
  const folder = await realpath(dirname(graph));
  const path = join(folder, ...parts);
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) throw new GraphFileError(`needs ${quoted(file)}, which is missing`);
  if (!real.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)) throw leaves;
  const found = await lstat(real);
  if (!found.isFile()) throw new GraphFileError(`names weights that are no file: ${quoted(file)}`);
  // A hard link has no outside that could be told: what it leads to may be anybody's.
  if (found.nlink > 1)
    throw new GraphFileError(`names weights that are a hard link: ${quoted(file)}; a copy of it would do`);
}

/** A name from a file of a stranger, short and without what a terminal would obey. */
function quoted(file: string): string {
  const plain = [...file].map((char) => (/[\p{C}"]/u.test(char) ? '?' : char)).join('');
  return `"${plain.length > 80 ? `${plain.slice(0, 79)}…` : plain}"`;
}
