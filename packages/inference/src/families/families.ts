/** The families this program can run. A new one is a file of its own and a line here. */
import type { ModelPackage } from '../model-package.ts';
import type { ModelFamily } from './family.ts';
import { toybox } from './toybox.ts';

export const families: readonly ModelFamily[] = [toybox];

/** The family of a package, or undefined when this program has none for it. */
export function familyOf({ index }: ModelPackage): ModelFamily | undefined {
  return families.find(
    (family) => family.name === index.reelgraph?.family || family.pipelineClass === index._class_name,
  );
}
