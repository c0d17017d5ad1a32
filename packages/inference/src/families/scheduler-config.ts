/** The scheduler of a package, checked when the package is opened and not when a clip is begun. */

import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DiffusionError, parseSchedulerConfig, samplingFromDiffusers } from '@reelgraph/diffusion';
import { damagedModel, type ModelPackage } from '../model-package.ts';

export type SchedulerConfig = Readonly<Record<string, unknown>>;

const file = 'scheduler/scheduler_config.json';
/** Such files have some 30 lines. */
const maxBytes = 1024 * 1024;

/**
 * What the manifest or `scheduler/scheduler_config.json` says.
 *
 * @returns undefined when the package says nothing of it
 * @throws NodeError 'model/damaged' when it is of a kind that is not known here
 */
export async function readSchedulerConfig({
  name,
  folder,
  manifest,
}: ModelPackage): Promise<SchedulerConfig | undefined> {
  const own = manifest?.config.scheduler;
  const found = own === undefined ? await stat(join(folder, file)).catch(() => undefined) : undefined;
  if (own === undefined && found === undefined) return undefined;
  const place = own === undefined ? file : 'manifest.json';
  if ((found?.size ?? 0) > maxBytes)
    throw damagedModel(name, place, `has ${found?.size} bytes, more than such a file can have`);
  const text = own === undefined ? await readFile(join(folder, file), 'utf8') : JSON.stringify(own);
  try {
    const config = parseSchedulerConfig(text);
    samplingFromDiffusers(config);
    return config;
  } catch (cause) {
    if (!(cause instanceof DiffusionError)) throw cause;
    throw damagedModel(name, place, `cannot be used: ${cause.message.replace(/\.$/, '')}`, cause);
  }
}
