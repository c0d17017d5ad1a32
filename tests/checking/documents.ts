/** Workflows of the repository, and a context to check them in, as the tests and the bench of the check need them. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseWorkflow, type Workflow } from '@reelgraph/graph';
import { fileFactsOf } from '@reelgraph/media';
import type { FileFacts, InferContext, ModelFacts } from '@reelgraph/node-api';

const projectRoot = join(import.meta.dirname, '../..');
const workflowsFolder = join(projectRoot, 'workflows');

/** Every shipped workflow by name, fresh copies. */
export function shippedWorkflows(): Map<string, Workflow> {
  const files = readdirSync(workflowsFolder).filter((name) => name.endsWith('.json'));
  return new Map(
    files.sort().map((file) => {
      const parsed = parseWorkflow(readFileSync(join(workflowsFolder, file), 'utf8'));
      if (!parsed.ok) throw new Error(`${file}: ${JSON.stringify(parsed.issues)}`);
      return [file.slice(0, -'.json'.length), structuredClone(parsed.workflow)];
    }),
  );
}

/** The bytes that a `file` param of a shipped workflow names. */
export function inputBytes(name: string): Uint8Array {
  return readFileSync(join(workflowsFolder, name));
}

/** Facts of the files in `workflows/inputs`. */
export async function shippedFileFacts(): Promise<Map<string, FileFacts>> {
  const names = readdirSync(join(workflowsFolder, 'inputs')).map((file) => `inputs/${file}`);
  return new Map(
    await Promise.all(names.map(async (name) => [name, await fileFactsOf(inputBytes(name))] as const)),
  );
}

const small = { steps: 20, guidanceScale: 3, fps: 8, frameCount: 17, widthPx: 64, heightPx: 64 };

/** What a package says of itself; the rest is as for Toybox. */
function packageFacts(
  facts: Partial<ModelFacts> & Pick<ModelFacts, 'name' | 'family' | 'latentChannels'>,
): ModelFacts {
  return {
    vaeScale: { spatial: 8, temporal: 4 },
    sizeMultiple: 16,
    frameRule: { multiple: 4, plus: 1 },
    maxTextTokens: 80,
    defaultShift: 2,
    recommended: small,
    ...facts,
  };
}

/** Packages of several families, as a check sees them: facts only, nothing is loaded. */
export const packages: ReadonlyMap<string, ModelFacts> = new Map(
  [
    packageFacts({
      name: 'toybox',
      family: 'toybox',
      latentChannels: 24,
      world: { actions: ['none', 'left', 'right', 'up', 'down', 'act'], tilePx: 8, fps: 8 },
      variants: { fast: { ...small, steps: 4, guidanceScale: 1 } },
      precisions: ['fp32', 'int8'],
    }),
    packageFacts({ name: 'wan-small', family: 'wan', latentChannels: 16, maxTextTokens: 512 }),
    packageFacts({
      name: 'ltx-small',
      family: 'ltx',
      latentChannels: 128,
      vaeScale: { spatial: 32, temporal: 8 },
      sizeMultiple: 32,
      frameRule: { multiple: 8, plus: 1 },
    }),
    // Those that shipped workflows are for.
    packageFacts({ name: 'wan2.1-t2v-1.3b', family: 'wan', latentChannels: 16, maxTextTokens: 512 }),
    packageFacts({
      name: 'wan2.1-i2v-14b-480p',
      family: 'wan',
      latentChannels: 16,
      maxTextTokens: 512,
      needsPictures: 'first',
    }),
    packageFacts({
      name: 'ltx-video',
      family: 'ltx',
      latentChannels: 128,
      vaeScale: { spatial: 32, temporal: 8 },
      sizeMultiple: 32,
      frameRule: { multiple: 8, plus: 1 },
      placesPictures: 'first',
      variants: { keyframes: small },
    }),
  ].map((facts) => [facts.name, facts]),
);

/** A file that is not there. */
export const goneFile = 'inputs/gone.mp4';

/** What a check knows: the packages above and the shipped files. */
export async function shippedContext(): Promise<InferContext> {
  const files = await shippedFileFacts();
  files.set(goneFile, { kind: 'unusable', code: 'file/not-found', message: 'There is no such input file.' });
  return { models: packages, files };
}
