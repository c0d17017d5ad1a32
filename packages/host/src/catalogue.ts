/** What can be said about workflows without running anything: node types, installed models, checks. */
import { stat } from 'node:fs/promises';
import {
  blockingIssues,
  checkWorkflow,
  type FixedWorkflow,
  fixWorkflow,
  type WorkflowCheck,
} from '@reelgraph/engine';
import type { GraphIssue, NodeCatalogue, NodeTypeInfo, Workflow } from '@reelgraph/graph';
import {
  createModelService,
  type DeviceChoice,
  type DeviceName,
  type DigestOptions,
  type InstalledModel,
  licenceProfileOf,
  type ModelServiceHandle,
  type ModelServiceOptions,
  openingsFileBeside,
  type PackageVerdict,
} from '@reelgraph/inference';
import type { OpenFile } from '@reelgraph/media';
import { describeNode, type InferContext, type NodeRegistry } from '@reelgraph/node-api';
import { builtinNodes } from '@reelgraph/nodes';
import { modelFolder } from '@reelgraph/toybox';
import type { DataFolder } from './data-folder.ts';
import { chosenDevice } from './devices.ts';
import { createFileInspector, filesNamedBy, type InspectFile } from './file-inspector.ts';
import { folderStamp } from './folder-stamp.ts';
import type { LocatedInputFiles } from './input-files.ts';

/** Where model packages are looked for: given folders first, then the user's own, then the embedded one. */
export function modelRootsOf(folder: DataFolder, given: readonly string[] = []): string[] {
  return [...given, folder.modelsFolder, modelFolder];
}

/**
 * What holds for models in every process of this program: licences that may run, packages that came with it, and,
 * where a data folder remembers what was tried, the device.
 */
export async function modelRules(
  digestFile: string | undefined,
): Promise<Pick<ModelServiceOptions, 'licences' | 'trusted'> & { readonly choice: DeviceChoice }> {
  const choice: DeviceChoice = digestFile === undefined ? { device: 'cpu' } : await chosenDevice(digestFile);
  return { licences: licenceProfileOf(process.env), trusted: [modelFolder], choice };
}

export interface Catalogue {
  readonly registry: NodeRegistry;
  /** In menu order. */
  readonly nodeTypes: readonly NodeTypeInfo[];
  readonly typesByName: NodeCatalogue;
  /** Device that inference with a model runs on, and so the lane it has. */
  deviceOf(modelName: string): DeviceName;
  /** Every model package found now, usable or not. */
  listModels(): Promise<readonly InstalledModel[]>;
  /** Everything wrong with a workflow, and the facts on its wires. `files` are those it names, where they are others. */
  check(workflow: Workflow, files?: LocatedInputFiles): Promise<WorkflowCheck>;
  /** The workflow with every fix that errors offer applied in turn; see `fixWorkflow`. */
  mend(workflow: Workflow, files?: LocatedInputFiles): Promise<FixedWorkflow>;
  /** What is known of models, and of the files that a workflow names. */
  contextOf(workflow: Workflow, files?: LocatedInputFiles): Promise<InferContext>;
  /** What identifies the bytes of a model now. @throws NodeError when it cannot be used */
  digestOfModel(name: string): Promise<string>;
  /** Reads every byte of a model and opens its graphs anew. @throws NodeError 'model/not-found' */
  verifyModel(name: string, options?: DigestOptions): Promise<PackageVerdict>;
  /** What keeps a run of `targets` (all outputs when absent) from starting; faults off to the side do not. */
  findBlockers(workflow: Workflow, targets?: readonly string[]): Promise<readonly GraphIssue[]>;
  close(): Promise<void>;
}

/** Where a catalogue finds input files, and how it looks into them. */
export interface FileOptions {
  /** The files that workflows name; without them a check knows nothing of files. */
  readonly files?: LocatedInputFiles;
  /** Where digests of models are remembered. */
  readonly digestFile?: string;
  /** On this thread unless given. */
  readonly inspect?: InspectFile;
  /** Those of this program unless given. */
  readonly registry?: NodeRegistry;
}

/** Hashing a large package for the first time takes its time; after this it is given up. */
const digestMs = 10 * 60_000;

/** Reads node types and model packages; loads no inference runtime. */
export async function createCatalogue(
  modelRoots: readonly string[],
  fileOptions: FileOptions = {},
): Promise<Catalogue> {
  const { digestFile } = fileOptions;
  const stamp = await stampOf(modelRoots, digestFile);
  const { choice, ...rules } = await modelRules(digestFile);
  const models = await createModelService({
    roots: modelRoots,
    ...rules,
    device: choice.device,
    ...(digestFile === undefined ? {} : { digestFile }),
  });
  return catalogueOver(models, { modelRoots, stamp, device: choice.device, ...fileOptions });
}

/** How packages look, and what is remembered of them: other processes hash and open them, too. */
async function stampOf(modelRoots: readonly string[], digestFile: string | undefined): Promise<string> {
  const memories = [digestFile, openingsFileBeside(digestFile)].filter((file) => file !== undefined);
  const times = await Promise.all(
    memories.map((file) =>
      stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return [await folderStamp(modelRoots), ...times].join('\n');
}

/** Loaded with the first file: most checks need none, and the libraries take their time. */
async function inspectHere(file: OpenFile) {
  const { fileFactsOf } = await import('@reelgraph/media');
  return fileFactsOf(file);
}

export interface CatalogueOptions extends FileOptions {
  /** Where the service finds its packages, and how these folders looked when it did; absent: it always looks. */
  readonly modelRoots?: readonly string[];
  readonly stamp?: string;
  /** Where models run; the processor when absent. */
  readonly device?: DeviceName;
  /** How long a look at the model folders counts: edits come many a second, models do not. */
  readonly lookAgainMs?: number;
}

/** A catalogue that looks at models through a service its caller owns. */
export function catalogueOver(
  models: ModelServiceHandle,
  {
    modelRoots,
    stamp,
    device = 'cpu',
    lookAgainMs = 2000,
    files,
    digestFile,
    inspect = inspectHere,
    registry = builtinNodes,
  }: CatalogueOptions = {},
): Catalogue {
  const nodeTypes = [...registry.values()].map(describeNode);
  let lookedAtMs = performance.now();
  let lastStamp = stamp;
  const refresh = async (atOnce = false) => {
    if (!atOnce && performance.now() - lookedAtMs < lookAgainMs) return;
    lookedAtMs = performance.now();
    const now = modelRoots === undefined ? undefined : await stampOf(modelRoots, digestFile);
    if (now !== undefined && now === lastStamp) return;
    // Reads packages anew and builds their tokenizers, which holds up whoever shares the thread.
    await models.refresh();
    lastStamp = now;
  };
  const typesByName = new Map(nodeTypes.map((info) => [info.type, info]));
  const inspector = createFileInspector(inspect);
  const contextOf = async (workflow: Workflow, ownFiles = files): Promise<InferContext> => {
    await refresh();
    const context = models.inferContext();
    if (ownFiles === undefined) return context;
    return { ...context, files: await inspector.factsOf(filesNamedBy(workflow, typesByName), ownFiles) };
  };
  const check = async (workflow: Workflow, ownFiles = files) =>
    checkWorkflow(workflow, registry, await contextOf(workflow, ownFiles));
  return {
    registry,
    nodeTypes,
    typesByName,
    deviceOf: () => device,
    async listModels() {
      // Whoever asks for the list looks at it: an edit of a workflow does not come here.
      await refresh(true);
      return models.installed();
    },
    check,
    contextOf,
    digestOfModel: (name) => models.digestOf(name, { signal: AbortSignal.timeout(digestMs) }),
    verifyModel: (name, options) => models.verify(name, options),
    mend: (workflow, ownFiles) => fixWorkflow(workflow, (changed) => check(changed, ownFiles)),
    async findBlockers(workflow, targets) {
      const { issues } = await check(workflow);
      const blocking = blockingIssues(workflow, registry, issues, targets);
      // A node still being wired is work in progress; a loop is a document that no run can be given.
      const loops = issues.filter((issue) => issue.code === 'graph/cycle' && !blocking.includes(issue));
      return [...blocking, ...loops];
    },
    close: () => models.dispose(),
  };
}
