/**
 * The workflow that makes the clip of a case, as a person would wire it: from the prompt and the seed, nothing else.
 *
 *   model ─ prompt ─ (picture …) ┐
 *     └ latent ─ noise ──────────┼→ denoise → decode → frames
 *          └──── scheduler ──────┘
 *
 * Where it begins from a clip, `latent` is its pictures packed by vae-encode.
 */
import { emptyWorkflow, type ParamValue, type Workflow } from '@reelgraph/graph';
import type { GoldenCase } from './golden-case.ts';

/** @param own params over those of the case, by node */
export function workflowOf(
  golden: GoldenCase,
  own: Readonly<Record<string, Readonly<Record<string, ParamValue>>>> = {},
): Workflow {
  const workflow = emptyWorkflow(`${golden.model} ${golden.name}`);
  const node = (id: string, type: string, version: number, params: Record<string, ParamValue> = {}) => {
    workflow.nodes[id] = { type, version, params: { ...params, ...own[id] } };
  };
  const wire = (from: string, to: string) => {
    const [source = '', output = ''] = from.split('.');
    const [target = '', input = ''] = to.split('.');
    workflow.edges.push({ from: [source, output], to: [target, input] });
  };
  const variant = golden.pipeline === 'LTXConditionPipeline' ? 'keyframes' : 'base';
  node('model', 'load-model', 1, { model: golden.model, variant });
  node('prompt', 'text-encode', 1, { prompt: golden.prompt, negativePrompt: golden.negative_prompt });
  if (golden.video === undefined) {
    node('latent', 'empty-latent', 1, {
      frames: golden.num_frames,
      width: golden.width,
      height: golden.height,
    });
  } else {
    node('pictures', 'given-clip', 1, { files: golden.video.join(' ') });
    node('latent', 'vae-encode', 1);
    wire('pictures.frames', 'latent.frames');
  }
  node('noise', 'noise', 1, { seed: String(golden.seed) });
  node('scheduler', 'scheduler', 1, {
    steps: golden.num_inference_steps,
    shift: 0,
    strength: golden.strength ?? 1,
    config: JSON.stringify(golden.scheduler),
  });
  node('denoise', 'denoise', 1, {
    guidanceScale: golden.guidance_scale,
    guidanceScale2: golden.guidance_scale_2 ?? 0,
    guidanceRamp: golden.use_dynamic_cfg ?? false,
    trueGuidance: golden.true_cfg_scale ?? 1,
    guidanceRescale: golden.guidance_rescale ?? 0,
    boundary: golden.boundary_ratio ?? 0,
    frameRate: golden.frame_rate ?? 0,
    pictureNoise: golden.image_cond_noise_scale ?? 0.15,
  });
  node('decode', 'vae-decode', 2, {
    timestep: golden.decode_timestep ?? 0,
    noiseScale: golden.decode_noise_scale ?? golden.decode_timestep ?? 0,
  });
  node('capture', 'capture', 1);
  for (const id of ['prompt', 'latent', 'scheduler', 'denoise', 'decode']) wire('model.model', `${id}.model`);
  for (const id of ['noise', 'scheduler', 'denoise']) wire('latent.latent', `${id}.latent`);
  wire('noise.noise', 'denoise.noise');
  wire('scheduler.sigmas', 'denoise.sigmas');
  wire('prompt.negative', 'denoise.negative');
  wire('denoise.latent', 'decode.latent');
  wire('denoise.latent', 'capture.latent');
  wire('decode.frames', 'capture.frames');
  let positive = 'prompt.positive';
  for (const [i, { image, frame_index: frameIndex, strength }] of golden.pictures.entries()) {
    node(`picture${i}`, 'load-image', 1, { file: image });
    node(`place${i}`, 'image-conditioning', 1, { frame: 'index', frameIndex, strength });
    wire('model.model', `place${i}.model`);
    wire('latent.latent', `place${i}.latent`);
    wire(`picture${i}.image`, `place${i}.image`);
    wire(positive, `place${i}.conditioning`);
    positive = `place${i}.conditioning`;
  }
  wire(positive, 'denoise.positive');
  return workflow;
}
