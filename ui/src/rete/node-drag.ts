/** Picking and dragging nodes: rete moves the one under the pointer, the rest of the selection follows it. */
import type { AreaPlugin } from 'rete-area-plugin';
import type { Editor } from '../app/editor.ts';
import type { Place } from '../layout/geometry.ts';
import { moveNodes, type Point } from '../state/edits.ts';
import type { Scene } from './scene.ts';
import type { Scheme, SocketSignal } from './scheme.ts';

const none: ReadonlySet<string> = new Set();

export class NodeDrag {
  readonly #editor: Editor;
  readonly #scene: Scene;
  readonly #area: AreaPlugin<Scheme, SocketSignal>;
  #ids: ReadonlySet<string> = none;
  #wires: ReadonlySet<string> = none;
  #leader: string | undefined;
  #moved = false;
  /** Rete's pick carries no modifier keys; the view sets this from the press that causes it. */
  additive = false;

  constructor(editor: Editor, scene: Scene, area: AreaPlugin<Scheme, SocketSignal>) {
    this.#editor = editor;
    this.#scene = scene;
    this.#area = area;
  }

  /** Nodes in the hand. */
  get ids(): ReadonlySet<string> {
    return this.#ids;
  }

  /** Keys of the wires that move with them; none before the first movement. */
  get wires(): ReadonlySet<string> {
    return this.#wires;
  }

  get isActive(): boolean {
    return this.#leader !== undefined;
  }

  pick(id: string): void {
    const { selection } = this.#editor;
    const wasSelected = selection.get().nodes.has(id);
    if (this.additive) selection.toggle(id);
    else if (!wasSelected) selection.only([id]);
    if (this.additive && wasSelected) return;
    this.#ids = new Set(selection.get().nodes);
    this.#leader = id;
    this.#moved = false;
  }

  /** A node was put elsewhere by rete. True when that is part of a drag; `first` at its first movement. */
  move(id: string, to: Place, from: Place): { first: boolean } | undefined {
    // Rete also reports where the projection puts nodes; the scene knows that already.
    if (!this.#ids.has(id)) return undefined;
    this.#scene.move(id, to.x, to.y);
    if (id !== this.#leader) return { first: false };
    const first = !this.#moved;
    if (first) {
      this.#moved = true;
      this.#wires = new Set(
        [...this.#ids].flatMap((moving) => this.#scene.wiresOf(moving).map((wire) => wire.key)),
      );
    }
    for (const other of this.#ids) {
      const view = other === id ? undefined : this.#area.nodeViews.get(other);
      if (view) void view.translate(view.position.x + to.x - from.x, view.position.y + to.y - from.y);
    }
    return { first };
  }

  /** The pointer was let go: what moved becomes one edit; a press without movement was a click. */
  drop(id: string): void {
    const ids = this.#ids;
    const moved = this.#moved;
    this.#ids = none;
    this.#wires = none;
    this.#leader = undefined;
    this.#moved = false;
    if (!moved) {
      if (!this.additive) this.#editor.selection.only([id]);
      return;
    }
    const places = new Map<string, Point>();
    for (const dragged of ids) {
      const node = this.#scene.nodes.get(dragged);
      if (node) places.set(dragged, [node.x, node.y]);
    }
    const label = places.size === 1 ? 'Move node' : `Move ${places.size} nodes`;
    this.#editor.document.edit(label, (draft) => {
      moveNodes(draft, places);
    });
  }
}
