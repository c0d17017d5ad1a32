/** Clips between the world, which has bytes, and the nodes, which have numbers in [-1, 1]; and what the model makes. */
import type { WholeFrames } from '@reelgraph/node-api';
import { tensor } from '@reelgraph/tensor';
import { type Clip, framesPerSecond } from '@reelgraph/toybox';
import type { CapturingEngine } from './capture.ts';
import { type ParamChanges, workflowToFrames } from './workflow.ts';

/** pixels [1, 3, T, H, W] in [-1, 1] -> RGB bytes [T, H, W, 3] */
export function clipOf({ pixels }: WholeFrames): Clip {
  const [, , frameCount = 0, height = 0, width = 0] = pixels.shape;
  const plane = frameCount * height * width;
  const frames = new Uint8Array(plane * 3);
  for (let k = 0; k < 3; k++) {
    for (let i = 0; i < plane; i++) {
      const value = Math.round(((pixels.data[k * plane + i] ?? 0) + 1) * 127.5);
      frames[i * 3 + k] = Math.max(0, Math.min(255, value));
    }
  }
  return { frames, frameCount, height, width };
}

/** RGB bytes [T, H, W, 3] -> pixels [1, 3, T, H, W] in [-1, 1] */
export function framesOf({ frames, frameCount, width, height }: Clip): WholeFrames {
  const plane = frameCount * height * width;
  const data = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++)
    for (let k = 0; k < 3; k++) data[k * plane + i] = (frames[i * 3 + k] ?? 0) / 127.5 - 1;
  return { pixels: tensor('float32', [1, 3, frameCount, height, width], data), fps: framesPerSecond };
}

/** Frames `from` up to, not including, `to` of a clip. */
export function cut(clip: Clip, from: number, to: number): Clip {
  const size = clip.width * clip.height * 3;
  return { ...clip, frameCount: to - from, frames: clip.frames.slice(from * size, to * size) };
}

/** Runs a shipped workflow on the model; `given` are clips by the id of the node that would load them. */
export async function make(
  { engine, give, taken }: CapturingEngine,
  workflow: string,
  params: ParamChanges,
  given: Readonly<Record<string, Clip>> = {},
): Promise<Clip> {
  for (const [name, clip] of Object.entries(given)) give(name, framesOf(clip));
  const result = await engine.run({
    runId: `toybox-${workflow}-${params['noise.seed'] ?? 0}`,
    workflow: workflowToFrames(workflow, params),
    onEvent: () => {},
  });
  const frames = taken()[0];
  engine.dropMemory();
  if (frames === undefined) throw new Error(`${workflow} made no frames: ${JSON.stringify(result.error)}`);
  return clipOf(frames);
}
