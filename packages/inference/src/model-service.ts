/** The model service of the run context: packages, families and sessions put together. */

import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import {
  addNoise,
  createChunkCanvas,
  type FreshNoise,
  findSampler,
  freshNoiseFrom,
  keyframeNoise,
  latentPiece,
  noiseEnd,
  planDecode,
  sigmaToTimestep,
  type TilingRules,
} from '@reelgraph/diffusion';
import {
  type BeginRequest,
  type DecodeSettings,
  type InferContext,
  type KnownLatent,
  type ModelChoice,
  type ModelFacts,
  type ModelRef,
  type ModelService,
  NodeError,
  type Noise,
  type SamplingRequest,
  type SamplingStart,
  type SamplingState,
  type SamplingStep,
} from '@reelgraph/node-api';
import { formatShape, type Tensor, TensorError } from '@reelgraph/tensor';
import type { DeviceName } from './devices.ts';
import { swapFrames } from './families/cogvideox-denoiser.ts';
import { denoiserOf } from './families/denoiser.ts';
import { families, familyOf } from './families/families.ts';
import type { FamilyModel, RunComponent, WorldGraphs } from './families/family.ts';
import { GraphOpenings, openingsFileBeside } from './graph-openings.ts';
import {
  type FoundPackage,
  type InstalledModel,
  type PackageStanding,
  summaryOf,
  withProblem,
} from './installed-model.ts';
import { type LicenceProfile, licenceRefusal } from './licences.ts';
import { missingFilesOf } from './missing-files.ts';
import { type ModelFiles, readModelFiles } from './model-files.ts';
import { damagedModel, findModelPackages, hasComponent, type ModelPackage } from './model-package.ts';
import { type DigestOptions, filesUnlikePublished, PackageDigests } from './package-digest.ts';
import { SessionClient, SessionError } from './session-client.ts';
import type { SessionRef } from './session-messages.ts';
import { NoiseSource } from './shared-noise.ts';
import { type PackageVerdict, verifyPackage } from './verify-package.ts';

export interface ModelServiceOptions {
  /** Folders that are model packages or hold them; those that do not exist are passed over. */
  readonly roots: readonly string[];
  /** CPU threads of one run; all cores when absent. */
  readonly threads?: number;
  /** Where graphs run; the processor when absent. Another device is another digest: it rounds differently. */
  readonly device?: DeviceName;
  /** Bytes of graphs kept open between runs; see `SessionWorkerOptions`. */
  readonly openBytes?: number;
  /**
   * Where digests of files are remembered between starts, and beside it how graphs were opened; without it every start
   * hashes and tries anew.
   */
  readonly digestFile?: string;
  /** Which licences may run; `any` when absent. */
  readonly licences?: LicenceProfile;
  /** Folders whose graphs came with this program: they are not tried in another process first. */
  readonly trusted?: readonly string[];
  /** How much of a latent is decoded at a time; only tests have others. */
  readonly decodeBounds?: DecodeBounds;
}

/** Runs of one graph since the service was made. */
export interface ComponentTime {
  readonly runs: number;
  /** Time inside the runtime alone, without queueing, copies and messages. */
  readonly runMs: number;
}

/** See TilingRules. */
export type DecodeBounds = Pick<TilingRules, 'mostPlaces' | 'mostChunkBytes'>;

/**
 * What a decoder is given at a time, and the frames of a chunk. With Toybox a place takes about 3 kB while it is decoded
 * and 3 kB of pixels, twice: here and in the runtime. The same on every machine, so that the same latent gives the same
 * bytes everywhere.
 */
const decodeBounds: DecodeBounds = { mostPlaces: 12_800, mostChunkBytes: 2 ** 26 };

/** A model service with what its host needs besides. */
export interface ModelServiceHandle extends ModelService {
  /** Every package found, usable or not. */
  installed(): readonly InstalledModel[];
  /** For `infer`: facts of usable packages, problems of the others. */
  inferContext(): InferContext;
  /** Looks at the folders again. */
  refresh(): Promise<void>;
  /** What `resolve` gives as the digest of a usable model, without opening a graph. @throws NodeError as `resolve` */
  digestOf(name: string, options?: DigestOptions): Promise<string>;
  /** Reads every byte and opens every graph anew. @throws NodeError 'model/not-found' */
  verify(name: string, options?: DigestOptions): Promise<PackageVerdict>;
  /** Whether a graph is being run, also for a run that has ended: a cancel does not stop it. */
  isBusy(): boolean;
  /** By component, for example `transformer`. */
  sessionTimes(): ReadonlyMap<string, ComponentTime>;
  /** Frees the memory of all open models; the next run opens what it needs. */
  release(): Promise<void>;
  /** Waits for a run in flight, then ends the worker. */
  dispose(): Promise<void>;
}

interface Entry {
  readonly summary: InstalledModel;
  readonly folder: string;
  /** These are absent when the package cannot be used; `problem` says why. */
  readonly model?: FamilyModel;
  readonly files?: ModelFiles;
  /** Its folders with a graph each. */
  readonly components?: readonly string[];
  readonly problem?: NodeError;
}

/**
 * Finds the packages and makes the service. No session is opened and no runtime loaded before the first run.
 *
 * @example
 * const models = await createModelService({ roots: [modelFolder] });
 * const toybox = await models.resolve('toybox', signal);
 */
export async function createModelService(options: ModelServiceOptions): Promise<ModelServiceHandle> {
  const { device = 'cpu' } = options;
  const digests = new PackageDigests(options.digestFile);
  const openings = new GraphOpenings(openingsFileBeside(options.digestFile));
  const sessions = new SessionClient({
    threads: options.threads ?? availableParallelism(),
    device,
    ...(options.openBytes === undefined ? {} : { openBytes: options.openBytes }),
  });
  const times = new Map<string, ComponentTime>();
  let entries = new Map<string, Entry>();

  async function refresh(): Promise<void> {
    const { packages, broken } = await findModelPackages(options.roots);
    const found = new Map<string, Entry>();
    const trusted = await Promise.all(
      (options.trusted ?? []).map((path) => realpath(path).catch(() => path)),
    );
    const about = async (folder: string) => {
      const remembered = await digests.rememberedDigestOf(folder).catch(() => undefined);
      return {
        digest: remembered?.digest,
        refusal: remembered && (await openings.rememberedRefusal(remembered.digest)),
        isEmbedded: trusted.includes(folder),
        profile: options.licences ?? 'any',
      };
    };
    for (const { name, folder, problem } of broken)
      found.set(name, await damagedEntry({ name, folder }, problem, await about(folder)));
    for (const modelPackage of packages)
      found.set(modelPackage.name, await openEntry(modelPackage, await about(modelPackage.folder)));
    entries = found;
  }

  /** The entry and the digest of a model that can be used, and the key that results of it go by. */
  async function identify(
    name: string,
    choice: ModelChoice,
    digestOptions: DigestOptions,
  ): Promise<{ entry: UsableEntry; digest: string; key: string }> {
    // Looked at afresh, so that a package mended or broken since the start is seen.
    await refresh();
    const entry = entries.get(name);
    if (entry === undefined) throw notFound(name, entries);
    if (!isUsable(entry)) throw entry.problem ?? notFound(name, entries);
    entry.files.expect(choice);
    const { digest, files } = await digests.digestOf(entry.folder, digestOptions);
    const [changed] = await filesUnlikePublished(entry.folder, files);
    if (changed !== undefined)
      throw damagedModel(name, changed, 'does not have the bytes it was published with');
    return { entry, digest, key: keyOn(device, digest) };
  }

  /** Tries in another process what nobody tried before. @throws NodeError 'model/damaged' */
  async function tryGraphs(
    { folder, files, components, summary }: UsableEntry,
    { digest, choice, signal }: { digest: string; choice: ModelChoice; signal: AbortSignal },
  ): Promise<void> {
    if (summary.isEmbedded) return;
    const graphs = new Set(components.map((component) => files.graphOf(component, choice).file));
    const refused = await openings.refusedOf(folder, digest, [...graphs], { signal });
    for (const [file, message] of refused) throw damagedModel(summary.name, file, message);
  }

  function entryOf(ref: ModelRef): { folder: string; model: FamilyModel; files: ModelFiles } {
    const entry = entries.get(ref.name);
    if (entry?.model === undefined || entry.files === undefined) throw notFound(ref.name, entries);
    return { folder: entry.folder, model: entry.model, files: entry.files };
  }

  function count(component: string, runs: number, runMs: number): void {
    const before = times.get(component) ?? { runs: 0, runMs: 0 };
    times.set(component, { runs: before.runs + runs, runMs: before.runMs + runMs });
  }

  /** `work` with the file that stands for a role of the package. */
  async function withGraph<T>(
    ref: ModelRef,
    role: string,
    feedsOf: () => Readonly<Record<string, Tensor>>,
    work: (session: SessionRef, component: string) => Promise<T>,
  ): Promise<T> {
    const { folder, files } = entryOf(ref);
    const { component, file } = files.graphOf(role, ref);
    try {
      return await work({ path: join(folder, file), version: ref.digest }, component);
    } catch (error) {
      if (!(error instanceof SessionError)) throw error;
      if (error.stage === 'memory')
        throw outOfMemory(ref, { component, files, feeds: feedsOf(), cause: error });
      if (error.stage === 'open' && device !== 'cpu')
        throw new NodeError(
          'model/device',
          `Model "${ref.name}": ${component} could not be opened on ${device}.`,
          {
            hint: 'Run it with REELGRAPH_DEVICE=cpu, or --device cpu; "reelgraph devices" tells what is ready.',
            cause: error,
          },
        );
      if (error.stage === 'open')
        throw damagedModel(ref.name, file, 'could not be opened as an ONNX graph', error);
      if (error.stage === 'worker')
        throw new NodeError(
          'model/worker-lost',
          `The part that runs models stopped while it ran ${component} of "${ref.name}".`,
          {
            hint: 'Run again; finished steps of the graph are kept.',
            cause: error,
          },
        );
      throw new NodeError(
        'model/run-failed',
        `Model "${ref.name}": ${component} could not run with ${shapesOf(feedsOf())}.`,
        {
          hint: 'Try a smaller size or fewer frames; memory may be short. If a small clip fails too, the model may be damaged.',
          cause: error,
        },
      );
    }
  }

  async function withFittingShapes<T>(ref: ModelRef, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof TensorError)) throw error;
      throw new NodeError('model/wrong-shape', `Model "${ref.name}": ${error.message}`, {
        hint: 'Was this made with another model? Connect one model to all nodes of a chain.',
        cause: error,
      });
    }
  }

  /** Chunk after chunk, tile by tile; the next chunk is begun when it is asked for. */
  async function* decodeByChunk(
    ref: ModelRef,
    latent: Tensor<'float32'>,
    signal: AbortSignal,
    settings: DecodeSettings | undefined,
  ): AsyncGenerator<Tensor<'float32'>, void, undefined> {
    const decode = (piece: Tensor<'float32'>) =>
      using(ref, (model, run) => model.decodeLatent(run, piece, signal, settings));
    const { model, files } = entryOf(ref);
    if (model.decodeStream !== undefined) {
      yield* model.decodeStream(runOf(ref), latent, signal);
      return;
    }
    if (model.decodeContext === undefined) {
      yield await decode(latent);
      return;
    }
    const { vaeScale } = files.factsOf(ref);
    const [, , frames = 0, rows = 0, columns = 0] = latent.shape;
    const extent = { frames, rows, columns };
    const bounds = options.decodeBounds ?? decodeBounds;
    const plan = planDecode(extent, { vaeScale, context: model.decodeContext, ...bounds });
    if (plan.chunks.length * plan.rows.length * plan.columns.length <= 1) {
      yield await decode(latent);
      return;
    }
    for (const chunk of plan.chunks) {
      const canvas = createChunkCanvas(chunk, extent, vaeScale);
      for (const row of plan.rows) {
        for (const column of plan.columns) {
          signal.throwIfAborted();
          canvas.draw(await decode(latentPiece(latent, { chunk, row, column })), row, column);
        }
      }
      yield canvas.pixels;
    }
  }

  /** `work` with the family's model and a way to run its graphs. */
  async function using<T>(
    ref: ModelRef,
    work: (model: FamilyModel, run: RunComponent) => Promise<T>,
  ): Promise<T> {
    const { model } = entryOf(ref);
    return withFittingShapes(ref, () => work(model, runOf(ref)));
  }

  function runOf(ref: ModelRef): RunComponent {
    return (role, feeds, signal) =>
      withGraph(
        ref,
        role,
        () => feeds,
        async (session, component) => {
          const { outputs, runMs } = await sessions.run(session, feeds, signal);
          count(component, 1, runMs);
          return outputs;
        },
      );
  }

  /** The second network of a model, where the sampling asks for it. */
  function secondOf(ref: ModelRef, { rules }: SamplingRequest): SessionRef | undefined {
    if (rules?.experts === undefined) return undefined;
    const { folder, model, files } = entryOf(ref);
    if (model.facts.secondExpert === undefined) throw noSecondExpert(ref);
    return { path: join(folder, files.graphOf('transformer_2', ref).file), version: ref.digest };
  }

  function beginPlainly(ref: ModelRef, { clip, noise, sigma, conditioning }: BeginRequest): SamplingStart {
    const { parametrisation = 'flow' } = entryOf(ref).model.facts;
    if (conditioning.pictures !== undefined) throw noPictures(ref);
    const { known } = conditioning;
    return {
      from: addNoise(parametrisation, clip, noise.samples, sigma),
      noise,
      ...(known === undefined ? {} : { known }),
    };
  }

  /** All steps where the session is. */
  async function sample(
    ref: ModelRef,
    request: SamplingRequest,
    onStep: (step: SamplingStep) => void | Promise<void>,
    signal: AbortSignal,
  ): Promise<SamplingState> {
    const { model } = entryOf(ref);
    const { family, parametrisation } = model.facts;
    const { branches, known, noise, sampler, sigmas, guidanceScale, from, stopAfter } = request;
    const { frameRate, ...rules } = request.rules ?? {};
    const start = 'memory' in from ? from.sample : from;
    const settings = model.clipSettings?.(ref, { frameRate, guidance: rules.guidance?.embedded });
    const clip = { shape: start.shape, branches, known, settings };
    const job = {
      ...rules,
      ...{ sampler, sigmas, parametrisation, guidanceScale, noise: noise.samples, known, from, stopAfter },
    };
    const feedsOf = () => denoiserOf(family)(clip).feedsAt(start, 1, sigmaToTimestep(1));
    const entry = findSampler(sampler);
    const second = secondOf(ref, request);
    const noiseSteps = {
      firstStep: 'memory' in from ? from.step : 0,
      endStep: entry === undefined ? 0 : Math.min(noiseEnd(entry, sigmas), stopAfter ?? sigmas.length),
    };
    const draw = stepNoise(noise, clip.shape, known, entry?.drawOf);
    return withFittingShapes(ref, () =>
      withGraph(ref, 'transformer', feedsOf, (session, component) =>
        sessions.sample(
          { session, ...(second === undefined ? {} : { second }), family, clip, job },
          {
            noise: new NoiseSource(clip.shape, noiseSteps, draw),
            onStep({ state, clean, runs, runMs }) {
              count(component, runs, runMs);
              return onStep({ ...state, estimateClean: () => clean });
            },
          },
          signal,
        ),
      ),
    );
  }

  await refresh();
  return {
    async resolve(name, signal, choice = {}): Promise<ModelRef> {
      signal.throwIfAborted();
      const { entry, digest, key } = await identify(name, choice, { signal });
      await tryGraphs(entry, { digest, choice, signal });
      const { variant = 'base', precision = 'auto' } = choice;
      return {
        name,
        family: entry.model.facts.family,
        digest: key,
        ...(variant === 'base' ? {} : { variant }),
        ...(precision === 'auto' ? {} : { precision }),
      };
    },
    facts: (ref) => entryOf(ref).files.factsOf(ref),
    encodeText: (ref, text, signal) => using(ref, (model, run) => model.encodeText(run, text, signal, ref)),
    denoise: (ref, request, signal) => using(ref, (model, run) => model.denoise(run, request, signal, ref)),
    sample,
    begin: (ref, request) => entryOf(ref).model.begin?.(request, ref) ?? beginPlainly(ref, request),
    encodePicture: (ref, pixels, signal) =>
      using(ref, (model, run) => {
        if (model.encodePicture === undefined) throw noPictures(ref);
        return model.encodePicture(run, pixels, signal);
      }),
    placePicture: (ref, request, signal) =>
      using(ref, (model, run) => {
        if (model.placePicture === undefined) throw noPictures(ref);
        return model.placePicture(run, request, signal);
      }),
    encodeFrames: (ref, pixels, signal) =>
      using(ref, (model, run) => model.encodeFrames(run, pixels, signal)),
    encodeClip: (ref, pixels, signal) =>
      using(
        ref,
        async (model, run) =>
          (await model.encodeClip?.(run, pixels, signal)) ?? {
            samples: await model.encodeFrames(run, pixels, signal),
          },
      ),
    decodeLatent: (ref, latent, signal, settings) =>
      using(ref, (model, run) => model.decodeLatent(run, latent, signal, settings)),
    decodeByChunk: (ref, latent, signal, settings) => decodeByChunk(ref, latent, signal, settings),
    previewLatent: (ref, latent) => entryOf(ref).model.previewLatent(latent),
    openWorld: (ref, pixels, signal) =>
      using(ref, (model, run) => worldOf(ref, model).open(run, pixels, signal)),
    stepWorld: (ref, state, action, signal) =>
      using(ref, (model, run) => worldOf(ref, model).step(run, state, action, signal)),

    installed: () => [...entries.values()].map((entry) => entry.summary),
    inferContext() {
      const models = new Map<string, ModelFacts>();
      const damagedModels = new Map<string, string>();
      const refusedModels = new Map<string, string>();
      for (const [name, { files, problem, summary }] of entries) {
        if (files !== undefined) models.set(name, files.facts);
        else if (problem !== undefined)
          (summary.status === 'refused' ? refusedModels : damagedModels).set(name, problem.message);
      }
      return { models, damagedModels, refusedModels };
    },
    refresh,
    digestOf: async (name, digestOptions = {}) => (await identify(name, {}, digestOptions)).key,
    async verify(name, digestOptions = {}) {
      await refresh();
      const entry = entries.get(name);
      if (entry === undefined) throw notFound(name, entries);
      return verifyPackage(entry.folder, entry.problem?.message, { digests, openings }, digestOptions);
    },
    isBusy: () => sessions.isBusy,
    sessionTimes: () => new Map(times),
    release: () => sessions.release(),
    dispose: () => sessions.dispose(),
  };
}

/** Noise of the steps: from a stream of their own, or, for places that are held by strength, on in that of the clip. */
function stepNoise(
  { seed, drawn, framesFirst }: Noise,
  shape: readonly number[],
  known: KnownLatent | undefined,
  drawOf: ((step: number) => number) | undefined,
): FreshNoise {
  if (framesFirst === true) {
    const [batch = 1, channels = 0, frames = 0, ...rest] = shape;
    const order = [batch, frames, channels, ...rest];
    const ofStep = freshNoiseFrom(seed, order, { drawOf, after: drawn ?? [order] });
    return (step) => swapFrames(ofStep(step));
  }
  if (known?.hold?.kind !== 'by-strength') return freshNoiseFrom(seed, shape, { drawOf });
  const draw = keyframeNoise({ seed, drawn: drawn ?? [shape] }, shape, known.hold.patchSize);
  return (step) => draw(drawOf?.(step) ?? step);
}

/** What results of a model go by: another device rounds differently, so it gives others. */
function keyOn(device: DeviceName, digest: string): string {
  return device === 'cpu' ? digest : createHash('sha256').update(`${digest}:${device}`).digest('hex');
}

function shapesOf(feeds: Readonly<Record<string, Tensor>>): string {
  return Object.entries(feeds)
    .map(([name, { shape }]) => `${name} ${formatShape(shape)}`)
    .join(', ');
}

/** What was too much, and what takes less. */
function outOfMemory(
  ref: ModelRef,
  about: {
    readonly component: string;
    readonly files: ModelFiles;
    readonly feeds: Readonly<Record<string, Tensor>>;
    readonly cause: SessionError;
  },
): NodeError {
  const { component, files, feeds, cause } = about;
  const { precisions = [] } = files.facts;
  const smaller = precisions.includes('int8') && ref.precision !== 'int8' ? 'the precision int8, ' : '';
  return new NodeError(
    'model/out-of-memory',
    `Model "${ref.name}": there is too little memory for ${component} with ${shapesOf(feeds)}: ${cause.message}.`,
    {
      hint: `What takes less: ${smaller}fewer frames, a smaller size. "reelgraph estimate" tells what a run takes on this machine.`,
      cause,
    },
  );
}

function noSecondExpert({ name }: ModelRef): NodeError {
  return new NodeError(
    'model/no-second-expert',
    `Model "${name}" has one network for all of the way; there is no second one to change to.`,
    { hint: 'Set "Expert switch" to 0.' },
  );
}

function noPictures({ name }: ModelRef): NodeError {
  return new NodeError('model/no-picture', `Model "${name}" does not place pictures by itself.`, {
    hint: 'Choose a model that makes clips of pictures.',
  });
}

function worldOf(ref: ModelRef, { world }: FamilyModel): WorldGraphs {
  if (world !== undefined) return world;
  throw new NodeError('model/no-world', `Model "${ref.name}" has no world to play in.`, {
    hint: 'Choose a model that has one; Toybox does.',
  });
}

function notFound(name: string, entries: ReadonlyMap<string, Entry>): NodeError {
  const names = [...entries.keys()];
  return new NodeError('model/not-found', `No model named "${name}" is installed.`, {
    hint:
      names.length === 0 ? 'Put a model package into the models folder.' : `Installed: ${names.join(', ')}.`,
  });
}

type UsableEntry = Entry & Required<Pick<Entry, 'model' | 'files' | 'components'>>;

function isUsable(entry: Entry): entry is UsableEntry {
  return entry.model !== undefined && entry.files !== undefined && entry.components !== undefined;
}

async function damagedEntry(
  from: FoundPackage,
  problem: NodeError,
  standing: PackageStanding,
): Promise<Entry> {
  return { folder: from.folder, problem, summary: withProblem(await summaryOf(from, standing), problem) };
}

async function openEntry(modelPackage: ModelPackage, standing: PackageStanding): Promise<Entry> {
  const { name, folder, index } = modelPackage;
  const family = familyOf(modelPackage);
  const known = { ...standing, family: family?.name };
  try {
    if (family === undefined) {
      throw new NodeError(
        'model/unknown-family',
        `Model "${name}" is a ${index._class_name}, which this version cannot run.`,
        { hint: `It can run: ${families.map((known) => known.name).join(', ')}.` },
      );
    }
    const model = await family.open(modelPackage);
    const optional: string[] = [];
    for (const component of family.optionalComponents ?? [])
      if (await hasComponent(modelPackage, component)) optional.push(component);
    const components = [...family.components, ...optional, ...(model.world?.components ?? [])];
    const files = await readModelFiles(modelPackage, components, model);
    const { refusal } = standing;
    if (refusal !== undefined) throw damagedModel(name, refusal.file, refusal.message);
    const summary = await summaryOf(modelPackage, known);
    const forbidden = licenceRefusal(name, summary.parts, standing.profile);
    if (forbidden !== undefined) throw forbidden;
    return { folder, model, files, components, summary };
  } catch (error) {
    if (!(error instanceof NodeError)) throw error;
    const missing = family === undefined ? [] : await missingFilesOf(modelPackage, family.components);
    return damagedEntry(modelPackage, error, { ...known, missing });
  }
}
