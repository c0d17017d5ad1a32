/** Which nodes, or which one wire, the next command is about. Not part of the document and not of its history. */
import type { Workflow } from '@reelgraph/graph';
import { edgeKey } from './edits.ts';
import { Observable } from './observable.ts';

export interface Selection {
  readonly nodes: ReadonlySet<string>;
  /** `edgeKey` of the selected wire. */
  readonly wire: string | undefined;
}

export const emptySelection: Selection = { nodes: new Set(), wire: undefined };

export class SelectionStore extends Observable<Selection> {
  constructor() {
    super(emptySelection);
  }

  /** Selects exactly these nodes. */
  only(ids: Iterable<string>): void {
    const nodes = new Set(ids);
    const now = this.get();
    if (
      now.wire === undefined &&
      nodes.size === now.nodes.size &&
      [...nodes].every((id) => now.nodes.has(id))
    )
      return;
    this.set({ nodes, wire: undefined });
  }

  toggle(id: string): void {
    const nodes = new Set(this.get().nodes);
    if (!nodes.delete(id)) nodes.add(id);
    this.set({ nodes, wire: undefined });
  }

  add(ids: Iterable<string>): void {
    this.only([...this.get().nodes, ...ids]);
  }

  wire(key: string): void {
    this.set({ nodes: new Set(), wire: key });
  }

  clear(): void {
    const now = this.get();
    if (now.nodes.size > 0 || now.wire !== undefined) this.set(emptySelection);
  }

  /** Forgets what is no longer in the document. */
  prune(document: Workflow): void {
    const now = this.get();
    const nodes = [...now.nodes].filter((id) => document.nodes[id]);
    const wire =
      now.wire !== undefined && document.edges.some((edge) => edgeKey(edge) === now.wire)
        ? now.wire
        : undefined;
    if (nodes.length !== now.nodes.size || wire !== now.wire) this.set({ nodes: new Set(nodes), wire });
  }
}
