/** What tells one run from another in a list: its prompt and its seed, asked of the server once per run. */
import type { NodeCatalogue, Workflow } from '@reelgraph/graph';
import { Observable } from './observable.ts';

export interface RunLabel {
  /** The first text that the workflow offers as an input, usually the prompt. */
  readonly text: string | undefined;
  readonly seed: string | undefined;
}

const nothing: RunLabel = { text: undefined, seed: undefined };

export function runLabel(workflow: Workflow, catalogue: NodeCatalogue): RunLabel {
  const values = Object.values(workflow.inputs).flatMap(({ node: id, param }) => {
    const node = workflow.nodes[id];
    const info = node && catalogue.get(node.type)?.params[param];
    return node && info ? [{ kind: info.kind, value: String(node.params[param] ?? info.default) }] : [];
  });
  return {
    text: values.find(({ kind, value }) => kind === 'text' && value.trim() !== '')?.value,
    seed: values.find(({ kind }) => kind === 'seed')?.value,
  };
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
