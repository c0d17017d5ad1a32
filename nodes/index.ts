/** The built-in node types, in menu order. A new node is a folder and a line here. */
import type { AnyNodeDefinition, NodeRegistry } from '@reelgraph/node-api';
import { extendClip } from './conditioning/extend-clip/node.ts';
import { imageConditioning } from './conditioning/image-conditioning/node.ts';
import { inpaint } from './conditioning/inpaint/node.ts';
import { textEncode } from './conditioning/text-encode/node.ts';
import { loadImage } from './image/load-image/node.ts';
import { chooseLatent } from './latent/choose-latent/node.ts';
import { emptyLatent } from './latent/empty-latent/node.ts';
import { loadLatent } from './latent/load-latent/node.ts';
import { noise } from './latent/noise/node.ts';
import { saveLatent } from './latent/save-latent/node.ts';
import { vaeDecode } from './latent/vae-decode/node.ts';
import { vaeEncode } from './latent/vae-encode/node.ts';
import { boxMask } from './mask/box-mask/node.ts';
import { fitMask } from './mask/fit-mask/node.ts';
import { growMask } from './mask/grow-mask/node.ts';
import { imageMask } from './mask/image-mask/node.ts';
import { invertMask } from './mask/invert-mask/node.ts';
import { loadModel } from './model/load-model/node.ts';
import { continueDenoise } from './sampling/continue-denoise/node.ts';
import { denoise } from './sampling/denoise/node.ts';
import { scheduler } from './sampling/scheduler/node.ts';
import { changeFrameRate } from './video/change-frame-rate/node.ts';
import { compositeFrames } from './video/composite-frames/node.ts';
import { groundTruthScene } from './video/ground-truth-scene/node.ts';
import { joinClips } from './video/join-clips/node.ts';
import { loadVideo } from './video/load-video/node.ts';
import { newFrames } from './video/new-frames/node.ts';
import { pickFrame } from './video/pick-frame/node.ts';
import { resizeFrames } from './video/resize-frames/node.ts';
import { reverseFrames } from './video/reverse-frames/node.ts';
import { saveVideo } from './video/save-video/node.ts';
import { scoreClip } from './video/score-clip/node.ts';
import { trimFrames } from './video/trim-frames/node.ts';
import { videoMux } from './video/video-mux/node.ts';
import { interactiveWorld } from './world/interactive-world/node.ts';

const definitions: readonly AnyNodeDefinition[] = [
  loadModel,
  textEncode,
  imageConditioning,
  extendClip,
  inpaint,
  emptyLatent,
  noise,
  vaeEncode,
  vaeDecode,
  chooseLatent,
  saveLatent,
  loadLatent,
  scheduler,
  denoise,
  continueDenoise,
  loadImage,
  loadVideo,
  groundTruthScene,
  scoreClip,
  interactiveWorld,
  newFrames,
  trimFrames,
  joinClips,
  reverseFrames,
  resizeFrames,
  changeFrameRate,
  pickFrame,
  boxMask,
  imageMask,
  growMask,
  invertMask,
  fitMask,
  compositeFrames,
  videoMux,
  saveVideo,
];

export { beginsAsLatentFile, encodeLatentFile, latentFactsOf } from './latent/latent-file.ts';

/** Every built-in node type by name, in menu order. */
export const builtinNodes: NodeRegistry = new Map(
  definitions.map((definition) => [definition.type, definition]),
);
