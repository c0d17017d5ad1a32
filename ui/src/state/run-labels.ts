/** What tells one run from another in a list: its prompt and its seeds, asked of the server once per run. */
import { ancestorsOf, type NodeCatalogue, type ReasonLabels, type Workflow } from '@reelgraph/graph';
import { Observable } from './observable.ts';
import { labelsOfType } from './why-it-ran.ts';

export interface RunLabel {
  /** The first text that the workflow offers as an input, usually the prompt. */
  readonly text: string | undefined;
  /** `seed 42`, or `seeds 42, 43`: those behind a node's result, or behind all of the run's. */
  seeds(nodeId?: string): string | undefined;
  /** What the params and inputs of a node are called; undefined for one inside a subgraph or of an unknown type. */
  labelsOf(nodeId: string): ReasonLabels | undefined;
}

const nothing: RunLabel = { text: undefined, seeds: () => undefined, labelsOf: () => undefined };
/** More are counted: a label is a line of a narrow list. */
const namedSeeds = 4;

export function runLabel(workflow: Workflow, catalogue: NodeCatalogue): RunLabel {
  const values = Object.values(workflow.inputs).flatMap(({ node: id, param }) => {
    const node = workflow.nodes[id];
    const info = node && catalogue.get(node.type)?.params[param];
    return node && info ? [{ id, kind: info.kind, value: String(node.params[param] ?? info.default) }] : [];
  });
  return {
    text: values.find(({ kind, value }) => kind === 'text' && value.trim() !== '')?.value,
    seeds(nodeId) {
      const behind = nodeId === undefined ? undefined : ancestorsOf([nodeId], workflow.edges);
      const seeds = values.filter(({ id, kind }) => kind === 'seed' && (behind?.has(id) ?? true));
      return seedsText([...new Set(seeds.map(({ value }) => value))]);
    },
    labelsOf(nodeId) {
      const info = catalogue.get(workflow.nodes[nodeId]?.type ?? '');
      return info && labelsOfType(info);
    },
  };
}

function seedsText(seeds: readonly string[]): string | undefined {
  if (seeds.length < 2) return seeds[0] === undefined ? undefined : `seed ${seeds[0]}`;
  const more = seeds.length - namedSeeds;
  return `seeds ${seeds.slice(0, namedSeeds).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

export class RunLabels extends Observable<ReadonlyMap<string, RunLabel>> {
  readonly #ask: (runId: string) => Promise<RunLabel>;
  readonly #asked = new Set<string>();
  #queue: Promise<unknown> = Promise.resolve();

  constructor(ask: (runId: string) => Promise<RunLabel>) {
    super(new Map());
    this.#ask = ask;
  }

  /** Asks for a label, one after the other; a run that is gone has none. */
  want(runId: string): void {
    if (this.#asked.has(runId)) return;
    this.#asked.add(runId);
    this.#queue = this.#queue
      .then(() => this.#ask(runId))
      .catch(() => nothing)
      .then((label) => this.update((labels) => new Map(labels).set(runId, label)));
  }
}
