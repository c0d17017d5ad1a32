/**
 * What the licences of models allow, and which profile a process runs under. A package says its licences itself; this
 * table knows what the common ones mean for people who earn money with the clips.
 */
import { NodeError } from '@reelgraph/node-api';

/** `conditions`: allowed, but not for everybody or everywhere; the licence says for whom. */
export type CommercialUse = 'yes' | 'conditions' | 'no' | 'unknown';

/** `commercial`: models with a part that must not be used so, or of which nobody knows, do not run. */
export type LicenceProfile = 'any' | 'commercial';

/** Licence of one part of a package. */
export interface PartLicence {
  readonly part: string;
  readonly licence: string;
  readonly commercialUse: CommercialUse;
}

/** By SPDX id, or the name that model pages give, in lower case. */
const known: Readonly<Record<string, CommercialUse>> = {
  'apache-2.0': 'yes',
  mit: 'yes',
  isc: 'yes',
  unlicense: 'yes',
  'bsd-2-clause': 'yes',
  'bsd-3-clause': 'yes',
  'cc0-1.0': 'yes',
  'cc-by-4.0': 'yes',
  'cc-by-sa-4.0': 'yes',
  openrail: 'conditions',
  'openrail++': 'conditions',
  'creativeml-openrail-m': 'conditions',
  'bigscience-openrail-m': 'conditions',
  'ltx-video-open-weights': 'conditions',
  'ltxv-open-weights': 'conditions',
  'tencent-hunyuan-community': 'conditions',
  llama3: 'conditions',
  'llama3.1': 'conditions',
  gemma: 'conditions',
  // Free for research; who earns money with it registers with its makers first.
  'cogvideox-license': 'no',
  cogvideox: 'no',
};

/** What a licence, named as its package names it, says about commercial use. */
export function commercialUseOf(licence: string): CommercialUse {
  const name = licence.trim().toLowerCase();
  const use = Object.hasOwn(known, name) ? known[name] : undefined;
  if (use !== undefined) return use;
  return /non-?commercial|(?:^|[-_ ])nc(?:$|[-_ ])|research[- ]only/.test(name) ? 'no' : 'unknown';
}

/**
 * The profile named by `REELGRAPH_LICENCES`: `any` (when nothing is said) or `commercial`.
 *
 * @throws Error for anything else: a profile that is misspelt must not allow what it was to forbid
 */
export function licenceProfileOf(env: Readonly<Record<string, string | undefined>>): LicenceProfile {
  const name = env.REELGRAPH_LICENCES ?? '';
  if (name === '' || name === 'any') return 'any';
  if (name === 'commercial') return 'commercial';
  throw new Error(`REELGRAPH_LICENCES is "${name}"; it can be any or commercial.`);
}

/** Why a model does not run under a profile; undefined when it does. */
export function licenceRefusal(
  name: string,
  parts: readonly PartLicence[],
  profile: LicenceProfile,
): NodeError | undefined {
  if (profile === 'any') return undefined;
  const refused =
    parts.find((part) => part.commercialUse === 'no') ??
    parts.find((part) => part.commercialUse === 'unknown');
  if (refused === undefined) return undefined;
  const why =
    refused.commercialUse === 'no'
      ? `the licence of its ${refused.part}, ${refused.licence}, forbids it`
      : refused.licence === 'unknown'
        ? parts.every((part) => part.licence === 'unknown')
          ? 'it does not say under which licence it is'
          : `it does not say under which licence its ${refused.part} is`
        : `nothing is known of the licence of its ${refused.part}, ${refused.licence}`;
  return new NodeError('model/licence', `Model "${name}" is not for commercial use: ${why}.`, {
    hint: 'Choose another model ("reelgraph models list" shows the licences), or set REELGRAPH_LICENCES=any if nothing is earned with the clips.',
  });
}
