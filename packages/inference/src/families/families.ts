/** The families this program can run. A new one is a file of its own and a line here. */
import type { ModelPackage } from '../model-package.ts';
import { cogVideoX } from './cogvideox.ts';
import type { ModelFamily } from './family.ts';
import { hunyuanVideo } from './hunyuan.ts';
import { ltx } from './ltx.ts';
import { toybox } from './toybox.ts';
import { wan } from './wan.ts';

export const families: readonly ModelFamily[] = [toybox, wan, ltx, cogVideoX, hunyuanVideo];

/** The family of a package, or undefined when this program has none for it. */
export function familyOf({ index, manifest }: ModelPackage): ModelFamily | undefined {
  const named = families.find(
    ({ name, pipelineClasses }) =>
      name === (index.reelgraph?.family ?? manifest?.family) ||
      pipelineClasses.includes(index._class_name) ||
      pipelineClasses.includes(manifest?.pipeline ?? ''),
  );
  if (named !== undefined || manifest === undefined) return named;
  return families.find((family) => family.isFamilyOf?.(manifest) === true);
}
