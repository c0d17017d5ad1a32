/** Mistakes that people make while wiring, each as an edit that spoils a good workflow. */
import { descendantsOf, type Endpoint, type Workflow } from '@reelgraph/graph';
import { builtinNodes } from '@reelgraph/nodes';
import { goneFile } from './documents.ts';
import { addNode, connect, edgeInto, end, nodesOf, portType, setParam, sourceOf } from './edit.ts';
import type { Random } from './random.ts';

export interface Mutator {
  readonly name: string;
  /** Spoils the workflow; false when it has no place for this mistake. */
  spoil(workflow: Workflow, random: Random): boolean;
}

const others = ['wan-small', 'ltx-small'] as const;
const models = (workflow: Workflow) => nodesOf(workflow, 'load-model');

/** Another model, loaded beside the one there is. */
function otherModel(workflow: Workflow, random: Random): Endpoint {
  return [addNode(workflow, 'load-model', { model: random.pick(others) }), 'model'];
}

/** Gives nodes of these types another model. */
const withOtherModel =
  (...types: readonly string[]): Mutator['spoil'] =>
  (workflow, random) => {
    const nodes = nodesOf(workflow, ...types).filter((id) => edgeInto(workflow, id, 'model'));
    if (nodes.length === 0) return false;
    connect(workflow, otherModel(workflow, random), [random.pick(nodes), 'model']);
    return true;
  };

/** Sets a param of one node of these types. */
const withParam =
  (types: readonly string[], param: string, value: (random: Random) => string | number): Mutator['spoil'] =>
  (workflow, random) => {
    const nodes = nodesOf(workflow, ...types);
    if (nodes.length === 0) return false;
    setParam(workflow, random.pick(nodes), param, value(random));
    return true;
  };

/** A clip from a file, joined to the end of what becomes the video. */
const joined =
  (params: (random: Random) => Record<string, string | number>): Mutator['spoil'] =>
  (workflow, random) => {
    const [mux] = nodesOf(workflow, 'video-mux');
    const made = mux === undefined ? undefined : sourceOf(workflow, mux, 'frames');
    if (mux === undefined || made === undefined || nodesOf(workflow, 'interactive-world').length > 0)
      return false;
    const extra = addNode(workflow, 'load-video', { file: 'inputs/red-circle.mp4', ...params(random) });
    const whole = addNode(workflow, 'join-clips', {}, { first: made, second: [extra, 'frames'] });
    connect(workflow, [whole, 'frames'], [mux, 'frames']);
    return true;
  };

/** Another prompt where it is typed and not wired. */
const withPrompt =
  (value: (random: Random) => string): Mutator['spoil'] =>
  (workflow, random) => {
    const [prompt] = nodesOf(workflow, 'text-encode').filter((id) => !edgeInto(workflow, id, 'text'));
    if (prompt === undefined) return false;
    setParam(workflow, prompt, 'prompt', value(random));
    return true;
  };

const clipFile = 'inputs/orbiting-ball.mp4';

/** Inputs that are fed, with the edge. */
function fedInputs(workflow: Workflow, isOptional: boolean) {
  return workflow.edges.filter(({ to }) => {
    const input = builtinNodes.get(workflow.nodes[to[0]]?.type ?? '')?.inputs[to[1]];
    return input !== undefined && (input.optional === true) === isOptional;
  });
}

export const mutators: readonly Mutator[] = [
  { name: 'wrong VAE to decode', spoil: withOtherModel('vae-decode') },
  {
    name: 'wrong VAE to encode',
    spoil: withOtherModel('vae-encode', 'inpaint', 'extend-clip', 'image-conditioning'),
  },
  { name: 'wrong family to denoise', spoil: withOtherModel('denoise') },
  { name: 'prompt read by another model', spoil: withOtherModel('text-encode') },
  { name: 'strip of another family', spoil: withOtherModel('empty-latent') },
  { name: 'draft of another model', spoil: withOtherModel('continue-denoise') },
  {
    name: 'draft begun anew',
    spoil(workflow, random) {
      const drafts = nodesOf(workflow, 'continue-denoise');
      const [denoise] = nodesOf(workflow, 'denoise');
      const [other] = nodesOf(workflow, 'denoise').slice(1);
      if (drafts.length === 0 || denoise === undefined || other === undefined) return false;
      connect(workflow, [random.pick([denoise]), 'latent'], [other, 'latent']);
      return true;
    },
  },
  {
    name: 'denoise with wrong channels',
    spoil(workflow, random) {
      const [denoise] = nodesOf(workflow, 'denoise');
      if (denoise === undefined) return false;
      const model = otherModel(workflow, random);
      const strip = addNode(workflow, 'empty-latent', { frames: 17, width: 64, height: 64 }, { model });
      connect(workflow, [strip, 'latent'], [denoise, 'latent']);
      return true;
    },
  },
  {
    name: 'wrong frame count',
    spoil: withParam(
      ['empty-latent', 'ground-truth-scene'],
      'frames',
      (random) => 4 * (1 + random.below(6)) + 2 + random.below(2),
    ),
  },
  {
    name: 'clip of a wrong frame count',
    spoil(workflow, random) {
      const readers = nodesOf(workflow, 'vae-encode', 'inpaint');
      const from = readers.map((id) => sourceOf(workflow, id, 'frames'))[0];
      if (from === undefined) return false;
      const loads = nodesOf(workflow, 'load-video');
      setParam(workflow, random.pick(loads), 'frames', 6 + random.below(3));
      return true;
    },
  },
  {
    name: 'wrong size multiple',
    spoil: withParam(['empty-latent'], 'width', (random) => 66 + random.below(12)),
  },
  {
    name: 'clip of a wrong size multiple',
    spoil: withParam(['resize-frames'], 'height', (random) => 66 + random.below(12)),
  },
  {
    name: 'clips of different rates joined',
    spoil: joined((random) => ({ fps: random.pick([12, 24, 30]) })),
  },
  {
    name: 'clips of different sizes joined',
    spoil: joined((random) => ({ longestSide: 32 + random.below(16) })),
  },
  {
    name: 'missing required input',
    spoil(workflow, random) {
      const edge = random.pick(fedInputs(workflow, false));
      workflow.edges = workflow.edges.filter((other) => other !== edge);
      return true;
    },
  },
  {
    name: 'param out of range',
    spoil(workflow, random) {
      const places = Object.entries(workflow.nodes).flatMap(([id, node]) =>
        Object.entries(builtinNodes.get(node.type)?.params ?? {}).flatMap(([name, param]) =>
          param.kind === 'integer' || param.kind === 'number'
            ? [{ id, name, value: random.below(2) === 0 ? param.max + 1 : param.min - 1 }]
            : [],
        ),
      );
      if (places.length === 0) return false;
      const { id, name, value } = random.pick(places);
      setParam(workflow, id, name, value);
      return true;
    },
  },
  {
    name: 'param of a wrong kind',
    spoil(workflow, random) {
      const places = Object.entries(workflow.nodes).flatMap(([id, node]) =>
        Object.entries(builtinNodes.get(node.type)?.params ?? {}).flatMap(([name, { kind }]) =>
          kind === 'text' || kind === 'file' || kind === 'model' ? [] : [{ id, name }],
        ),
      );
      const { id, name } = random.pick(places);
      setParam(workflow, id, name, 'plenty');
      return true;
    },
  },
  {
    name: 'misspelt param',
    spoil(workflow, random) {
      const places = Object.entries(workflow.nodes).flatMap(([id, { params }]) =>
        Object.keys(params).map((name) => ({ id, name })),
      );
      const { id, name } = random.pick(places);
      const node = workflow.nodes[id];
      const value = node?.params[name];
      if (node === undefined || value === undefined) return false;
      delete node.params[name];
      node.params[`${name}s`] = value;
      return true;
    },
  },
  {
    name: 'mask of another clip',
    spoil(workflow, random) {
      const [box] = nodesOf(workflow, 'box-mask', 'image-mask');
      if (box === undefined) return false;
      const clip = addNode(workflow, 'load-video', { file: clipFile, longestSide: 16 + random.below(40) });
      connect(workflow, [clip, 'frames'], [box, 'frames']);
      return true;
    },
  },
  {
    name: 'first frame beyond the clip',
    spoil: withParam(['load-video'], 'start', (random) => 17 + random.below(500)),
  },
  {
    name: 'first and last clip of different sizes',
    spoil(workflow, random) {
      const [extend] = nodesOf(workflow, 'extend-clip').filter(
        (id) => edgeInto(workflow, id, 'after') && edgeInto(workflow, id, 'before'),
      );
      if (extend === undefined) return false;
      const [maker = ''] = sourceOf(workflow, extend, 'after') ?? [];
      if (workflow.nodes[maker]?.type !== 'resize-frames') return false;
      setParam(workflow, maker, 'width', random.pick([32, 48, 80, 96]));
      return sourceOf(workflow, extend, 'before')?.[0] !== maker;
    },
  },
  {
    name: 'picture placed beyond the clip',
    spoil(workflow, random) {
      const [place] = nodesOf(workflow, 'image-conditioning');
      if (place === undefined) return false;
      setParam(workflow, place, 'frame', 'index');
      setParam(workflow, place, 'frameIndex', 40 + random.below(100));
      return true;
    },
  },
  {
    name: 'mask that begins beyond the clip',
    spoil: withParam(['box-mask'], 'firstFrame', (random) => 17 + random.below(90)),
  },
  {
    name: 'unknown model',
    spoil: withParam(['load-model'], 'model', (random) => random.pick(['toybx', 'wan-14b', 'hunyuan'])),
  },
  {
    name: 'variant that the model has not',
    spoil(workflow, random) {
      const [model] = models(workflow);
      if (model === undefined) return false;
      setParam(workflow, model, 'model', 'wan-small');
      setParam(workflow, model, random.pick(['variant', 'precision']), 'fast');
      setParam(workflow, model, 'variant', 'fast');
      setParam(workflow, model, 'precision', 'auto');
      return true;
    },
  },
  {
    name: 'number format that the model has not',
    spoil(workflow, random) {
      const [model] = models(workflow);
      if (model === undefined) return false;
      setParam(workflow, model, 'model', 'wan-small');
      setParam(workflow, model, 'variant', 'base');
      setParam(workflow, model, 'precision', random.pick(['int8', 'fp32']));
      return true;
    },
  },
  {
    name: 'wires in a loop',
    spoil(workflow, random) {
      const places = fedInputs(workflow, false).flatMap(({ to }) => {
        const type = portType(workflow, to, 'inputs');
        const behind = [...descendantsOf([to[0]], workflow.edges)].filter((id) => id !== to[0]);
        return behind.flatMap((id) =>
          Object.entries(builtinNodes.get(workflow.nodes[id]?.type ?? '')?.outputs ?? {}).flatMap(
            ([port, output]) => (output.type === type ? [{ from: [id, port] as const, to }] : []),
          ),
        );
      });
      if (places.length === 0) return false;
      const { from, to } = random.pick(places);
      connect(workflow, [...from], to);
      return true;
    },
  },
  {
    name: 'wire of another type',
    spoil(workflow, random) {
      const { to } = random.pick(fedInputs(workflow, false));
      const type = portType(workflow, to, 'inputs');
      const behind = descendantsOf([to[0]], workflow.edges);
      const outputs = Object.entries(workflow.nodes).flatMap(([id, node]) =>
        behind.has(id)
          ? []
          : Object.entries(builtinNodes.get(node.type)?.outputs ?? {}).flatMap(
              ([port, output]): Endpoint[] => (output.type === type ? [] : [[id, port]]),
            ),
      );
      if (outputs.length === 0) return false;
      connect(workflow, random.pick(outputs), to);
      return true;
    },
  },
  {
    name: 'picture given where a mask is wanted',
    spoil(workflow) {
      const [user] = nodesOf(workflow, 'inpaint', 'composite-frames');
      if (user === undefined) return false;
      const picture = addNode(workflow, 'load-image', { file: 'inputs/blue-square.png' });
      connect(workflow, [picture, 'image'], [user, 'mask']);
      return true;
    },
  },
  {
    name: 'misspelt port',
    spoil(workflow, random) {
      const edge = random.pick(fedInputs(workflow, false));
      if (random.below(2) === 0) edge.from = [edge.from[0], `${edge.from[1]}s`];
      else edge.to = [edge.to[0], `${edge.to[1]}s`];
      return true;
    },
  },
  {
    name: 'wire from a node that is gone',
    spoil(workflow, random) {
      const edge = random.pick(fedInputs(workflow, false));
      edge.from = ['gone', edge.from[1]];
      return true;
    },
  },
  {
    name: 'two wires into one input',
    spoil(workflow, random) {
      const edge = random.pick(workflow.edges);
      workflow.edges.push({ from: [...edge.from], to: [...edge.to] });
      return true;
    },
  },
  {
    name: 'node type that is not installed',
    spoil(workflow, random) {
      const [id, node] = random.pick(Object.entries(workflow.nodes));
      workflow.nodes[id] = { ...node, type: random.pick([`${node.type}s`, node.type.slice(0, -1)]) };
      return true;
    },
  },
  {
    name: 'noise drawn for another clip',
    spoil(workflow, random) {
      const [noise] = nodesOf(workflow, 'noise');
      const [model] = models(workflow);
      if (noise === undefined || model === undefined) return false;
      const size = { frames: random.pick([5, 9, 33]), width: random.pick([32, 96]), height: 64 };
      const strip = addNode(workflow, 'empty-latent', size, { model: [model, 'model'] });
      connect(workflow, [strip, 'latent'], [noise, 'latent']);
      return true;
    },
  },
  {
    name: 'picture placed in another clip',
    spoil(workflow, random) {
      const [place] = nodesOf(workflow, 'image-conditioning');
      const [model] = models(workflow);
      if (place === undefined || model === undefined) return false;
      const size = { frames: random.pick([5, 9, 33]), width: 64, height: random.pick([32, 96]) };
      const strip = addNode(workflow, 'empty-latent', size, { model: [model, 'model'] });
      connect(workflow, [strip, 'latent'], [place, 'latent']);
      return true;
    },
  },
  {
    name: 'picture placed before a clip is given',
    spoil(workflow) {
      const [user] = nodesOf(workflow, 'inpaint', 'extend-clip');
      const [model] = models(workflow);
      const prompt = user === undefined ? undefined : sourceOf(workflow, user, 'conditioning');
      if (user === undefined || model === undefined || prompt === undefined) return false;
      const picture = addNode(workflow, 'load-image', { file: 'inputs/blue-square.png' });
      const strip = addNode(workflow, 'empty-latent', {}, { model: [model, 'model'] });
      const placed = addNode(
        workflow,
        'image-conditioning',
        {},
        {
          model: [model, 'model'],
          conditioning: prompt,
          image: [picture, 'image'],
          latent: [strip, 'latent'],
        },
      );
      connect(workflow, [placed, 'conditioning'], [user, 'conditioning']);
      return true;
    },
  },
  {
    name: 'trim that leaves nothing',
    spoil(workflow, random) {
      const [mux] = nodesOf(workflow, 'video-mux');
      const made = mux === undefined ? undefined : sourceOf(workflow, mux, 'frames');
      if (mux === undefined || made === undefined) return false;
      const params = { cutStart: 100 + random.below(50), cutEnd: random.below(9) };
      const trim = addNode(workflow, 'trim-frames', params, { frames: made });
      connect(workflow, end(`${trim}.frames`), [mux, 'frames']);
      return true;
    },
  },
  {
    name: 'crossfade longer than a clip',
    spoil: withParam(['join-clips'], 'crossfade', (random) => 60 + random.below(100)),
  },
  {
    name: 'empty prompt',
    spoil: withParam(['text-encode'], 'prompt', (random) => random.pick(['', '  ', '\n'])),
  },
  {
    name: 'prompt that no model reads to its end',
    spoil: withPrompt((random) => 'a red circle moves right '.repeat(1000 + random.below(500))),
  },
  {
    name: 'clip that no memory holds',
    spoil(workflow, random) {
      const [strip] = nodesOf(workflow, 'empty-latent');
      if (strip === undefined) return false;
      setParam(workflow, strip, 'width', 4096);
      setParam(workflow, strip, 'height', 4096);
      setParam(workflow, strip, 'frames', 4 * (20 + random.below(100)) + 1);
      return true;
    },
  },
  {
    name: 'model that the steps are asked of is not connected',
    spoil(workflow) {
      const [steps] = nodesOf(workflow, 'scheduler').filter((id) => edgeInto(workflow, id, 'model'));
      if (steps === undefined) return false;
      workflow.edges = workflow.edges.filter((edge) => edge !== edgeInto(workflow, steps, 'model'));
      return true;
    },
  },
  {
    name: 'no clip to extend',
    spoil(workflow) {
      const [extend] = nodesOf(workflow, 'extend-clip');
      if (extend === undefined) return false;
      workflow.edges = workflow.edges.filter(
        ({ to }) => to[0] !== extend || (to[1] !== 'before' && to[1] !== 'after'),
      );
      return true;
    },
  },
  {
    name: 'actions that are none',
    spoil: withParam(['interactive-world'], 'actions', (random) =>
      random.pick(['right jump', 'fly*3 up', 'dance']),
    ),
  },
  {
    name: 'model without a world',
    spoil: withParam(['interactive-world'], 'model', (random) => random.pick(['wan-small', 'nowhere'])),
  },
  {
    name: 'file that is gone',
    spoil: withParam(['load-video', 'load-image'], 'file', () => goneFile),
  },
];
