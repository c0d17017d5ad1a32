/** Good workflows: the shipped ones with other values within their rules, as people set them. */
import type { Workflow } from '@reelgraph/graph';
import { addNode, connect, nodesOf, sourceOf } from './edit.ts';
import type { Random } from './random.ts';

const colours = ['red', 'green', 'blue', 'yellow', 'purple'];
const shapes = ['circle', 'square', 'triangle', 'star'];

/** Changes values, and at times the wiring, so that the workflow can still run. */
export function vary(workflow: Workflow, random: Random): void {
  const side = 16 * (2 + random.below(6));
  const other = 16 * (2 + random.below(6));
  const hasBase = nodesOf(workflow, 'load-model').length > 0;
  // A draft is stopped after some of the steps of the base variant; the fast one has fewer.
  const hasDraft = Object.values(workflow.nodes).some(({ params }) => Number(params.stopAfter ?? 0) > 0);
  for (const node of Object.values(workflow.nodes)) {
    const { params } = node;
    switch (node.type) {
      case 'load-model':
        // Another family with the same rules.
        params.model = random.pick(['toybox', 'wan-small']);
        params.variant = params.model === 'toybox' && !hasDraft ? random.pick(['base', 'fast']) : 'base';
        params.precision = params.model === 'toybox' ? random.pick(['auto', 'int8']) : 'auto';
        break;
      case 'empty-latent':
        params.frames = 4 * (4 + random.below(12)) + 1;
        params.width = side;
        params.height = other;
        break;
      case 'resize-frames':
        params.width = side;
        params.height = other;
        params.fit = random.pick(['cover', 'contain', 'stretch']);
        break;
      case 'ground-truth-scene':
        params.frames = 4 * (2 + random.below(4)) + 1;
        params.seed = String(random.below(1e9));
        break;
      case 'noise':
        params.seed = String(random.below(2 ** 31));
        break;
      case 'scheduler':
        if (Number(params.stopAfter ?? 0) === 0) params.steps = random.pick([0, 4, 8, 30]);
        break;
      case 'denoise':
        params.guidanceScale = random.pick([0, 1, 3.5, 7]);
        params.sampler = random.pick(['euler', 'heun']);
        break;
      case 'text-encode':
        params.prompt = `a large ${random.pick(colours)} ${random.pick(shapes)} moves right`;
        break;
      case 'extend-clip':
        params.newFrames = 1 + random.below(40);
        params.contextFrames = 1 + random.below(12);
        break;
      case 'new-frames':
        params.fade = random.below(8);
        break;
      case 'join-clips':
        // Some shipped clips to be joined have a single new frame.
        params.crossfade = random.below(2);
        break;
      case 'box-mask':
        params.left = random.below(60);
        params.firstFrame = random.below(17);
        params.moveRight = random.below(40) - 20;
        break;
      case 'grow-mask':
        params.grow = random.below(9) - 4;
        params.feather = random.below(6);
        break;
      case 'image-conditioning':
        if (params.frame === 'index') params.frameIndex = random.below(17);
        break;
      case 'video-mux':
        params.fps = random.pick([8, 12, 24]);
        break;
      case 'interactive-world':
        params.columns = 4 + random.below(5);
        params.actions = random.pick(['right*3', 'act none up left*2', 'down']);
        break;
      default:
        break;
    }
  }
  const [mux] = nodesOf(workflow, 'video-mux');
  const made = mux === undefined ? undefined : sourceOf(workflow, mux, 'frames');
  if (mux === undefined || made === undefined) return;
  const detour = random.below(5);
  const through = ['', 'reverse-frames', 'change-frame-rate', 'trim-frames', 'resize-frames'][detour] ?? '';
  if (through === '') return;
  const params =
    {
      'change-frame-rate': { fps: random.pick([4, 12, 24]) },
      'trim-frames': { cutStart: random.below(2), most: 1 + random.below(30) },
      'resize-frames': { width: 33 + random.below(200), height: 33 + random.below(200) },
    }[through] ?? {};
  const added = addNode(workflow, through, params, { frames: made });
  connect(workflow, [added, 'frames'], [mux, 'frames']);
  if (hasBase && random.below(4) === 0) {
    const node = workflow.nodes[added];
    if (node !== undefined) node.mode = 'bypassed';
  }
}
