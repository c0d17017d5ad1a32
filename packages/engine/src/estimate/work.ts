/** How much a node has to do, from what is known of its ports: the amounts that costs are learnt per unit of. */
import type { PortFacts, PortType } from '@reelgraph/graph';
import type { AnyNodeDefinition, InferContext, NodeWork, WorkAmounts } from '@reelgraph/node-api';

export interface WorkQuestion {
  readonly inputs: Readonly<Record<string, PortFacts | undefined>>;
  readonly outputs: Readonly<Record<string, PortFacts | undefined>>;
  readonly params: Readonly<Record<string, string | number | boolean>>;
  readonly context: InferContext;
}

/** Amounts of work of a node, as far as they can be known. */
export interface KnownWork {
  readonly time: WorkAmounts;
  readonly memory: WorkAmounts;
  /** What its result grows with. */
  readonly result: WorkAmounts;
}

/** Amounts that a node may name; the fit has room for them, a fixed share and the loading of a model. */
const maxAmounts = 4;

const withPixels: ReadonlySet<PortType> = new Set(['latent', 'frames', 'image', 'mask', 'video']);

/**
 * What a node says itself, else the pixels that go in and come out. Undefined where a size that it grows with is not
 * known. A node type whose `work` throws counts as one that does not know.
 */
export function workOf(definition: AnyNodeDefinition, question: WorkQuestion): KnownWork | undefined {
  const into = pixelsOf(definition.inputs, question.inputs);
  const out = pixelsOf(definition.outputs, question.outputs);
  const result = { pixels: out ?? 0 };
  if (definition.work === undefined) {
    if (into === undefined || out === undefined) return undefined;
    const pixels = { pixels: into + out };
    return { time: pixels, memory: pixels, result };
  }
  let own: NodeWork | undefined;
  try {
    own = definition.work(question);
  } catch {
    return undefined;
  }
  if (own === undefined || out === undefined) return undefined;
  const { time, memory = time } = own;
  return isUsable(time) && isUsable(memory) ? { time, memory, result } : undefined;
}

function isUsable(amounts: WorkAmounts): boolean {
  const values = Object.values(amounts);
  return values.length <= maxAmounts && values.every((value) => Number.isFinite(value) && value >= 0);
}

/** Pixels over all frames of all ports that have any; undefined when a connected one is of unknown size. */
function pixelsOf(
  ports: AnyNodeDefinition['inputs'],
  facts: Readonly<Record<string, PortFacts | undefined>>,
): number | undefined {
  let pixels = 0;
  for (const [port, { type }] of Object.entries(ports)) {
    if (!withPixels.has(type)) continue;
    const known = facts[port];
    if (known === undefined) continue;
    const { widthPx, heightPx, frameCount } = known;
    if (widthPx === undefined || heightPx === undefined) return undefined;
    // A picture has no count; a clip without one is of unknown length.
    if (frameCount === undefined && (type === 'frames' || type === 'video' || type === 'latent'))
      return undefined;
    pixels += widthPx * heightPx * (frameCount ?? 1);
  }
  return pixels;
}

/** The model that a node works with and the variant of it, from its `model` inputs and params. */
export function modelOfNode(
  definition: AnyNodeDefinition,
  { inputs, params }: Pick<WorkQuestion, 'inputs' | 'params'>,
): { readonly name: string; readonly variant: string } | undefined {
  for (const [port, { type }] of Object.entries(definition.inputs)) {
    const known = type === 'model' ? inputs[port] : undefined;
    if (known?.model !== undefined)
      return { name: known.model, variant: [known.variant ?? 'base', known.precision ?? 'auto'].join(' ') };
  }
  for (const [param, { kind }] of Object.entries(definition.params)) {
    const name = kind === 'model' ? params[param] : undefined;
    if (typeof name === 'string' && name !== '') return { name, variant: 'base auto' };
  }
  return undefined;
}
