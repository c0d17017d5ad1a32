/**
 * Which graph files a package offers: denoisers besides the base one (variants) and the number formats of each
 * component (precisions).
 *
 * A component's `config.json` may list its files, the one used by default first:
 * `"files": { "int8": "model.int8.onnx", "fp32": "model.onnx" }`. Without a list there is `model.onnx`, in float32.
 * `model_index.json` may name variants under `reelgraph.variants`:
 * `{ "fast": { "transformer": "transformer_fast", "recommended": { "steps": 4, "guidanceScale": 1 } } }`.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type ModelChoice, type ModelFacts, NodeError, type RecommendedSettings } from '@reelgraph/node-api';
import type { z } from 'zod';
import type { FamilyModel } from './families/family.ts';
import { componentFilesSchema, type recommendedSchema, transformerConfigSchema } from './model-config.ts';
import { checkOnnxFile, damagedModel, type ModelPackage, readModelJson } from './model-package.ts';

/** The component that a variant brings its own folder for. */
const denoiser = 'transformer';

/** Precision -> path below the package; the first is the default. */
type ComponentFiles = ReadonlyMap<string, string>;

interface Variant {
  /** Role -> the component that stands for it. */
  readonly roles: Readonly<Record<string, string>>;
  readonly recommended: RecommendedSettings;
}

/** The graph files of one package, read once. */
export interface ModelFiles {
  /** `facts` with what can be chosen. */
  readonly facts: ModelFacts;
  /** The facts of a choice: its own settings are the recommended ones. */
  factsOf(choice: ModelChoice): ModelFacts;
  /** @throws NodeError 'model/no-variant' | 'model/no-precision' */
  expect(choice: ModelChoice): void;
  /** The graph that stands for a role, and its path below the package. */
  graphOf(role: string, choice: ModelChoice): { readonly component: string; readonly file: string };
}

/** @throws NodeError 'model/damaged' when a file that is named is missing, or a variant does not fit the package */
export async function readModelFiles(
  modelPackage: ModelPackage,
  components: readonly string[],
  { facts, variantRoles = {} }: Pick<FamilyModel, 'facts' | 'variantRoles'>,
): Promise<ModelFiles> {
  const { name, folder, index } = modelPackage;
  const variants = new Map<string, Variant>();
  for (const [variant, about] of Object.entries(index.reelgraph?.variants ?? {})) {
    const file = `${about.transformer}/config.json`;
    const config = await readModelJson(name, folder, file, transformerConfigSchema);
    if (config.in_channels !== facts.latentChannels) {
      throw damagedModel(
        name,
        file,
        `has ${config.in_channels} latent channels where the package has ${facts.latentChannels}`,
      );
    }
    variants.set(variant, {
      roles: { [denoiser]: about.transformer },
      recommended: settingsOver(facts, about.recommended ?? {}),
    });
  }
  for (const [variant, roles] of Object.entries(variantRoles))
    variants.set(variant, { roles, recommended: facts.variants?.[variant] ?? facts.recommended });
  const roles = [...variants.values()].flatMap((variant) => Object.values(variant.roles));
  const filesOf = new Map<string, ComponentFiles>();
  for (const component of new Set([...components, ...roles])) {
    const files = await readComponentFiles(modelPackage, component);
    for (const file of files.values()) await checkOnnxFile(name, folder, file);
    filesOf.set(component, files);
  }
  const precisions = [...new Set([...filesOf.values()].flatMap((files) => [...files.keys()]))].sort();
  const chosenVariant = ({ variant = 'base' }: ModelChoice) => variants.get(variant);
  const settings = Object.fromEntries(
    [...variants].map(([variant, { recommended }]) => [variant, recommended]),
  );
  const known: ModelFacts = { ...facts, ...(variants.size === 0 ? {} : { variants: settings }), precisions };
  return {
    facts: known,
    factsOf(choice) {
      const recommended = chosenVariant(choice)?.recommended;
      if (recommended === undefined) return known;
      return { ...known, recommended, defaultShift: recommended.shift ?? known.defaultShift };
    },
    expect({ variant = 'base', precision = 'auto' }) {
      if (variant !== 'base' && !variants.has(variant)) {
        const has = ['base', ...variants.keys()].join(', ');
        throw new NodeError(
          'model/no-variant',
          `Model "${name}" has no variant "${variant}"; it has ${has}.`,
          {
            hint: 'Choose one of these in Load model.',
          },
        );
      }
      if (precision !== 'auto' && !precisions.includes(precision)) {
        throw new NodeError(
          'model/no-precision',
          `Model "${name}" has no files in ${precision}; it has ${precisions.join(', ')}.`,
          { hint: 'Choose one of these in Load model, or auto.' },
        );
      }
    },
    graphOf(role, choice) {
      const component = chosenVariant(choice)?.roles[role] ?? role;
      const files = filesOf.get(component) ?? new Map<string, string>();
      // A component that has not the precision asked for runs as it is by default.
      const own = files.get(choice.precision ?? 'auto') ?? files.values().next().value;
      return { component, file: own ?? `${component}/model.onnx` };
    },
  };
}

async function readComponentFiles(
  { name, folder, manifest }: ModelPackage,
  component: string,
): Promise<ComponentFiles> {
  if (manifest !== undefined) {
    const listed = manifest.components[component]?.file;
    if (listed === undefined) throw damagedModel(name, 'manifest.json', `lists no ${component}`);
    return new Map([['fp32', listed]]);
  }
  const file = `${component}/config.json`;
  const found = await stat(join(folder, file)).catch(() => undefined);
  if (found === undefined) return new Map([['fp32', `${component}/model.onnx`]]);
  const { files } = await readModelJson(name, folder, file, componentFilesSchema);
  return new Map(Object.entries(files).map(([precision, graph]) => [precision, `${component}/${graph}`]));
}

function samplerOver(sampler: string | undefined): Pick<RecommendedSettings, 'sampler'> {
  return sampler === undefined ? {} : { sampler };
}

/** What a variant says of itself, and what holds for the package where it says nothing. */
function settingsOver(
  { recommended: base, defaultShift }: ModelFacts,
  own: z.output<typeof recommendedSchema>,
): RecommendedSettings {
  return {
    steps: own.steps ?? base.steps,
    shift: own.shift ?? defaultShift,
    guidanceScale: own.guidanceScale ?? base.guidanceScale,
    ...samplerOver(own.sampler ?? base.sampler),
    fps: own.fps ?? base.fps,
    frameCount: own.frames ?? base.frameCount,
    widthPx: own.width ?? base.widthPx,
    heightPx: own.height ?? base.heightPx,
  };
}
