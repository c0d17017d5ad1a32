/**
 * The interactive world of a Toybox package: three small graphs that turn a frame into codes, the codes and an
 * action into the codes of the next frame, and codes into a frame.
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { NodeError, type WorldFacts, type WorldFrame, type WorldState } from '@reelgraph/node-api';
import { expectDType, expectShape, fromFunction, reshapeView, type Tensor, tensor } from '@reelgraph/tensor';
import { worldConfigSchema } from '../model-config.ts';
import { type ModelPackage, readModelJson } from '../model-package.ts';
import type { RunComponent, WorldGraphs } from './family.ts';

/** Folders of the graphs. */
export const worldComponents = ['world_encoder', 'world_model', 'world_decoder'] as const;

function output(outputs: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const value = outputs[name];
  if (value === undefined)
    throw new Error(`The graph has no output "${name}"; it has ${Object.keys(outputs).join(', ')}.`);
  return value;
}

/**
 * Values as a picture of 256 levels has them. A frame shown while playing went through bytes; rounded here, a frame
 * of a run is that frame to the bit.
 */
function atByteLevels(frame: Tensor<'float32'>): Tensor<'float32'> {
  const { data } = frame;
  return fromFunction(frame.shape, (i) => {
    const level = Math.min(255, Math.max(0, Math.round((data[i]! + 1) * 127.5)));
    return level / 127.5 - 1;
  });
}

/**
 * Reads the configs; opens nothing.
 *
 * @returns undefined when the package has no world
 * @throws NodeError 'model/damaged' when its config does not fit
 */
export async function openWorldGraphs(modelPackage: ModelPackage): Promise<WorldGraphs | undefined> {
  const { name, folder } = modelPackage;
  const file = 'world_model/config.json';
  const found = await stat(join(folder, file)).catch(() => undefined);
  if (found === undefined) return undefined;
  const config = await readModelJson(name, folder, file, worldConfigSchema);
  const facts: WorldFacts = { actions: config.actions, tilePx: config.patch_size, fps: config.fps };

  async function frameOf(
    run: RunComponent,
    codes: Tensor<'int64'>,
    certainty: number,
    signal: AbortSignal,
  ): Promise<WorldFrame> {
    const outputs = await run('world_decoder', { codes }, signal);
    const sample = expectDType(output(outputs, 'sample'), 'float32', 'Output "sample"');
    const [, , height = 0, width = 0] = sample.shape;
    const pixels = reshapeView(atByteLevels(sample), [1, 3, 1, height, width]);
    return { state: { codes }, pixels, certainty };
  }

  return {
    facts,
    components: worldComponents,

    async open(run, pixels, signal) {
      const [, , , height = 0, width = 0] = pixels.shape;
      expectShape(pixels, [1, 3, 1, height, width], 'The first frame');
      if (height === 0 || width === 0 || height % facts.tilePx !== 0 || width % facts.tilePx !== 0) {
        throw new NodeError(
          'model/world-size',
          `Model "${name}" plays frames whose sides are multiples of ${facts.tilePx} pixels, found ${width} × ${height}.`,
          { hint: 'Resize the first frame.' },
        );
      }
      const sample = reshapeView(pixels, [1, 3, height, width]);
      const outputs = await run('world_encoder', { sample }, signal);
      const codes = expectDType(output(outputs, 'codes'), 'int64', 'Output "codes"');
      return frameOf(run, codes, 1, signal);
    },

    async step(run, state: WorldState, action, signal) {
      const index = facts.actions.indexOf(action);
      if (index < 0) {
        throw new NodeError('model/no-action', `Model "${name}" knows no action "${action}".`, {
          hint: `It knows: ${facts.actions.join(', ')}.`,
        });
      }
      const feeds = { codes: state.codes, action: tensor('int64', [1], BigInt64Array.of(BigInt(index))) };
      const outputs = await run('world_model', feeds, signal);
      const codes = expectDType(output(outputs, 'next_codes'), 'int64', 'Output "next_codes"');
      const certainty = expectDType(output(outputs, 'certainty'), 'float32', 'Output "certainty"');
      return frameOf(run, codes, certainty.data[0] ?? 0, signal);
    },
  };
}
