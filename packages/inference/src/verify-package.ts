/** A look at every byte of a package and at every graph in it, whatever is remembered of them. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { checkGraphFile, GraphFileError } from './graph-file.ts';
import type { GraphOpenings } from './graph-openings.ts';
import {
  checksumFile,
  type DigestOptions,
  filesUnlikePublished,
  type PackageDigest,
  type PackageDigests,
} from './package-digest.ts';

/** What was found. */
export interface PackageVerdict extends PackageDigest {
  /** Whether it carries a list of checksums to compare with. */
  readonly isPublished: boolean;
  /** What is wrong, a sentence each; none when it is whole. */
  readonly problems: readonly string[];
}

/** @param known what is wrong with the package already, by its index and configs */
export async function verifyPackage(
  folder: string,
  known: string | undefined,
  { digests, openings }: { readonly digests: PackageDigests; readonly openings: GraphOpenings },
  options: DigestOptions,
): Promise<PackageVerdict> {
  const digest = await digests.digestOf(folder, { ...options, anew: true });
  const problems = known === undefined ? [] : [known];
  for (const file of await filesUnlikePublished(folder, digest.files))
    problems.push(`${file} does not have the bytes it was published with.`);
  const graphs: string[] = [];
  for (const file of [...digest.files.keys()].filter((name) => name.endsWith('.onnx'))) {
    try {
      await checkGraphFile(join(folder, file));
      graphs.push(file);
    } catch (error) {
      if (!(error instanceof GraphFileError)) throw error;
      problems.push(`${file} ${error.message}.`);
    }
  }
  const { signal } = options;
  const refused = await openings.refusedOf(folder, digest.digest, graphs, {
    anew: true,
    ...(signal === undefined ? {} : { signal }),
  });
  for (const [file, message] of refused) problems.push(`${file} ${message}.`);
  return { ...digest, isPublished: await isFile(join(folder, checksumFile)), problems };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}
