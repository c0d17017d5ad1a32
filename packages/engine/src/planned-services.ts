/**
 * Services as a run planned them. A result is kept under the digests that were seen while planning, so a node
 * must be given those very bytes: what changed in between would be kept, for ever, as the result of something else.
 */
import { createHash } from 'node:crypto';
import { type InputFiles, type ModelService, NodeError, type ResultFiles } from '@reelgraph/node-api';
import { digestOf, type Store } from '@reelgraph/store';
import type { PlannedDigests } from './plan.ts';

/** Gives out a file only when its bytes are those that were planned. */
export function plannedFiles(files: InputFiles, planned: PlannedDigests): InputFiles {
  return {
    async read(name) {
      const bytes = await files.read(name);
      const digest = planned.files.get(name);
      if (digest !== undefined && digestOf(bytes) !== digest)
        throw changed('file/changed', `The file "${name}"`);
      return bytes;
    },
    async *stream(name) {
      const hash = createHash('sha256');
      for await (const piece of files.stream(name)) {
        hash.update(piece);
        yield piece;
      }
      const digest = planned.files.get(name);
      if (digest !== undefined && hash.digest('hex') !== digest)
        throw changed('file/changed', `The file "${name}"`);
    },
  };
}

/** Resolves a model only to the package that was planned. */
export function plannedModels(models: ModelService, planned: PlannedDigests): ModelService {
  return {
    async resolve(name, signal, choice) {
      const model = await models.resolve(name, signal, choice);
      const digest = planned.models.get(name);
      if (digest !== undefined && model.digest !== digest)
        throw changed('model/changed', `The model "${name}"`);
      return model;
    },
    facts: (model) => models.facts(model),
    encodeText: (model, text, signal) => models.encodeText(model, text, signal),
    denoise: (model, request, signal) => models.denoise(model, request, signal),
    ...(models.sample === undefined ? {} : { sample: models.sample }),
    ...(models.begin === undefined ? {} : { begin: models.begin }),
    ...(models.encodePicture === undefined ? {} : { encodePicture: models.encodePicture }),
    ...(models.placePicture === undefined ? {} : { placePicture: models.placePicture }),
    ...(models.encodeClip === undefined ? {} : { encodeClip: models.encodeClip }),
    encodeFrames: (model, pixels, signal) => models.encodeFrames(model, pixels, signal),
    decodeLatent: (model, latent, signal, settings) => models.decodeLatent(model, latent, signal, settings),
    decodeByChunk: (model, latent, signal, settings) => models.decodeByChunk(model, latent, signal, settings),
    previewLatent: (model, latent) => models.previewLatent(model, latent),
    openWorld: (model, pixels, signal) => models.openWorld(model, pixels, signal),
    stepWorld: (model, state, action, signal) => models.stepWorld(model, state, action, signal),
  };
}

/** Where nodes keep files of their own making. */
export function resultFiles(store: Store | undefined): ResultFiles {
  return {
    async write(bytes, about) {
      if (store === undefined) {
        throw new NodeError('store/none', `"${about.name}" cannot be kept: this run has no data folder.`);
      }
      return { kind: 'file', ...about, ...(await store.putBytes(bytes)) };
    },
  };
}

function changed(code: 'file/changed' | 'model/changed', what: string): NodeError {
  return new NodeError(code, `${what} changed while the run began.`, { hint: 'Run again.' });
}
