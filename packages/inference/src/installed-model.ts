/** What lists show of a package, and what is known of it beyond what lies in its folder. */
import type { NodeError } from '@reelgraph/node-api';
import type { LicenceProfile } from './licences.ts';
import type { ModelPackage } from './model-package.ts';
import { listPackageFiles } from './package-digest.ts';
import { type PackagePart, partsOf } from './package-parts.ts';

/** An installed package as lists show it. */
export interface InstalledModel {
  readonly name: string;
  readonly title: string;
  readonly family: string;
  readonly licence: string;
  readonly byteLength: number;
  /** `refused`: whole, but the licence profile does not allow it. */
  readonly status: 'ready' | 'damaged' | 'refused';
  readonly problem?: string;
  /** What to do about the problem. */
  readonly hint?: string;
  /** Files that it lacks, by their paths in it; absent when it has all. */
  readonly missing?: readonly string[];
  /** SHA-256 of the package; absent until somebody hashed it. */
  readonly digest?: string;
  readonly parts: readonly PackagePart[];
  /** Absolute; for the person at this machine alone. */
  readonly folder: string;
  /** Where it, or what it was made from, can be had; as it says itself. */
  readonly source?: string;
  /** It came with this program. */
  readonly isEmbedded: boolean;
}

/** What is known of a package besides what is in it. */
export interface PackageStanding {
  readonly digest: string | undefined;
  /** A graph that was tried in another process and must not be opened. */
  readonly refusal: { readonly file: string; readonly message: string } | undefined;
  readonly isEmbedded: boolean;
  readonly profile: LicenceProfile;
  /** The family of this program that it is of. */
  readonly family?: string | undefined;
  /** Files that it lacks. */
  readonly missing?: readonly string[];
}

/** A package, or the folder of one whose index cannot be read. */
export type FoundPackage = Pick<ModelPackage, 'name' | 'folder'> & Partial<Pick<ModelPackage, 'index'>>;

/** A package that can be used, as lists show it. */
export async function summaryOf(
  { name, folder, index }: FoundPackage,
  { digest, isEmbedded, family, missing = [] }: PackageStanding,
): Promise<InstalledModel> {
  const files = await listPackageFiles(folder).catch(() => []);
  const { title = name, licence = 'unknown', source } = index?.reelgraph ?? {};
  return {
    name,
    title,
    family: family ?? index?.reelgraph?.family ?? 'unknown',
    licence,
    status: 'ready',
    byteLength: files.reduce((total, file) => total + file.byteLength, 0),
    parts: await partsOf(folder, index),
    folder,
    isEmbedded,
    ...(missing.length === 0 ? {} : { missing }),
    ...(digest === undefined ? {} : { digest }),
    ...(source === undefined ? {} : { source }),
  };
}

/** The same of one that cannot be used. */
export function withProblem(summary: InstalledModel, { code, message, hint }: NodeError): InstalledModel {
  const from = summary.source === undefined ? [] : [`It can be had from ${summary.source}.`];
  const advice = [...(hint === undefined ? [] : [hint]), ...from].join(' ');
  return {
    ...summary,
    status: code === 'model/licence' ? 'refused' : 'damaged',
    problem: message,
    ...(advice === '' ? {} : { hint: advice }),
  };
}
