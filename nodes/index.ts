/** The built-in node types, in menu order. A new node is a folder and a line here. */
import type { AnyNodeDefinition, NodeRegistry } from '@reelgraph/node-api';
import { imageConditioning } from './conditioning/image-conditioning/node.ts';
import { textEncode } from './conditioning/text-encode/node.ts';
import { loadImage } from './image/load-image/node.ts';
import { emptyLatent } from './latent/empty-latent/node.ts';
import { noise } from './latent/noise/node.ts';
import { vaeDecode } from './latent/vae-decode/node.ts';
import { loadModel } from './model/load-model/node.ts';
import { denoise } from './sampling/denoise/node.ts';
import { scheduler } from './sampling/scheduler/node.ts';
import { saveVideo } from './video/save-video/node.ts';
import { videoMux } from './video/video-mux/node.ts';

const definitions: readonly AnyNodeDefinition[] = [
  loadModel,
  textEncode,
  imageConditioning,
  emptyLatent,
  noise,
  vaeDecode,
  scheduler,
  denoise,
  loadImage,
  videoMux,
  saveVideo,
];

/** Every built-in node type by name, in menu order. */
export const builtinNodes: NodeRegistry = new Map(
  definitions.map((definition) => [definition.type, definition]),
);
