/**
 * Shows rete's nodes through one React root. Rete makes an element for each node and each wire; this plugin puts
 * into the document only the elements of nodes in sight (React fills them through portals) and none for wires,
 * which are painted. So panning a workflow of thousands of nodes costs what a small one costs.
 *
 * Rete's own element of a node stays in use: picking, dragging and its context menu work unchanged.
 */
import { type Root, Scope } from 'rete';
import { type Area2D, AreaPlugin } from 'rete-area-plugin';
import { overlaps, type Place, type Rect } from '../layout/geometry.ts';
import { Observable } from '../state/observable.ts';
import type { Scene } from './scene.ts';
import type { Scheme, SocketPlace, SocketSignal } from './scheme.ts';

/** Below this zoom nodes are painted: their text is small and there are many of them. */
const liveZoom = 0.55;
/** A small workflow stays alive further out; below this it is painted whatever its size. */
const smallLiveZoom = 0.4;
const smallCount = 24;
/** Nodes put on screen per frame, so that a jump to a dense place does not stall. */
const mountsPerFrame = 4;
/** Px around the view in which nodes are mounted already, and beyond which they are taken away again. */
const mountMargin = 60;
const keepMargin = 220;

type Signals = Area2D<Scheme> | SocketSignal;

export interface OneRootEvents {
  /** A wire being drawn; `end` is the pointer in graph px. */
  onPseudoWire(end: { x: number; y: number } | undefined): void;
  onViewChange(kind: 'pan' | 'zoom'): void;
  onNodeMoved(id: string, to: Place, from: Place): void;
  onNodePicked(id: string): void;
  onNodeDropped(id: string): void;
}

export class OneRootPlugin extends Scope<never, [Signals, Root<Scheme>]> {
  /** Nodes in the DOM and the element React renders each into. A new map whenever it changes. */
  readonly mounted = new Observable<ReadonlyMap<string, HTMLElement>>(new Map());
  readonly #scene: Scene;
  readonly #events: OneRootEvents;
  readonly #slots = new Map<string, HTMLElement>();
  readonly #idOf = new WeakMap<HTMLElement, string>();
  #area: AreaPlugin<Scheme, SocketSignal> | undefined;
  #pseudo: HTMLElement | undefined;
  #hovered: string | undefined;
  #order = 1;
  #live = true;

  constructor(scene: Scene, events: OneRootEvents) {
    super('one-root');
    this.#scene = scene;
    this.#events = events;
  }

  override setParent(scope: Scope<Signals, [Root<Scheme>]>): void {
    super.setParent(scope);
    this.#area = this.parentScope<AreaPlugin<Scheme, SocketSignal>>(AreaPlugin);
    this.addPipe((signal) => {
      if (typeof signal === 'object' && 'type' in signal) this.#hear(signal);
      return signal;
    });
  }

  #hear(signal: Signals | Root<Scheme>): void {
    switch (signal.type) {
      case 'render':
        if (signal.data.type === 'node') this.#adopt(signal.data.payload.id, signal.data.element);
        else if (signal.data.type === 'connection') {
          signal.data.element.remove();
          if (signal.data.payload.isPseudo) {
            this.#pseudo = signal.data.element;
            const end = signal.data.end ?? signal.data.start;
            if (end) this.#events.onPseudoWire(end);
          }
        }
        return;
      case 'unmount': {
        const { element } = signal.data;
        if (element === this.#pseudo) {
          this.#pseudo = undefined;
          this.#events.onPseudoWire(undefined);
        }
        const id = this.#idOf.get(element);
        if (id !== undefined) this.#forget(id);
        return;
      }
      case 'nodetranslated': {
        const { id, position, previous } = signal.data;
        this.#events.onNodeMoved(id, position, previous);
        return;
      }
      case 'nodepicked':
        this.raise(signal.data.id);
        this.#events.onNodePicked(signal.data.id);
        return;
      case 'nodedragged':
        this.#events.onNodeDropped(signal.data.id);
        return;
      case 'translated':
        this.#events.onViewChange('pan');
        return;
      case 'zoomed':
        this.#events.onViewChange('zoom');
        return;
    }
  }

  #adopt(id: string, element: HTMLElement): void {
    if (this.#slots.has(id)) return;
    // React listens on the slot, inside rete's element: a control can keep a press from becoming a drag.
    const slot = document.createElement('div');
    slot.className = 'node-slot';
    element.append(slot);
    element.dataset['nodeId'] = id;
    element.classList.add('node-place');
    this.#slots.set(id, slot);
    this.#idOf.set(element, id);
    element.remove();
  }

  #forget(id: string): void {
    this.#slots.delete(id);
    if (this.#hovered === id) this.#hovered = undefined;
    if (this.mounted.get().has(id)) {
      const next = new Map(this.mounted.get());
      next.delete(id);
      this.mounted.set(next);
    }
  }

  /** Puts a node above the others. */
  raise(id: string): void {
    const element = this.#area?.nodeViews.get(id)?.element;
    if (element) element.style.zIndex = String(++this.#order);
  }

  /**
   * Mounts what is in sight and unmounts what is far out of it. `keep` are nodes that stay whatever the view
   * (one that is dragged or holds the focus). Returns true when nodes in sight still wait for their turn.
   */
  cull(view: Rect, zoom: number, keep: ReadonlySet<string>, budget = mountsPerFrame): boolean {
    const area = this.#area;
    if (!area) return false;
    const near = grow(view, mountMargin / zoom);
    const live = zoom >= liveZoom || (zoom >= smallLiveZoom && this.#fewIn(near));
    this.#live = live;
    const far = grow(view, keepMargin / zoom);
    const now = this.mounted.get();
    const next = new Map(now);
    let changed = false;
    let waiting = false;
    for (const id of now.keys()) {
      const node = this.#scene.nodes.get(id);
      if (node && (keep.has(id) || (live && overlaps(node, far)))) continue;
      next.delete(id);
      if (id !== this.#hovered) area.nodeViews.get(id)?.element.remove();
      changed = true;
    }
    if (live) {
      for (const node of this.#scene.nodes.values()) {
        if (next.has(node.id) || !overlaps(node, near)) continue;
        const slot = this.#slots.get(node.id);
        const element = area.nodeViews.get(node.id)?.element;
        if (!slot || !element) continue;
        if (budget-- <= 0) {
          waiting = true;
          break;
        }
        this.#size(slot, node);
        area.area.content.add(element);
        next.set(node.id, slot);
        changed = true;
      }
    }
    if (changed) this.mounted.set(next);
    return waiting;
  }

  /** Whether nodes in sight are in the DOM; otherwise they are painted. */
  get live(): boolean {
    return this.#live;
  }

  #fewIn(view: Rect): boolean {
    let count = 0;
    for (const node of this.#scene.nodes.values())
      if (overlaps(node, view) && ++count > smallCount) return false;
    return true;
  }

  /** Zoomed out, only the node under the pointer has an element: empty, of its size, so that rete can pick it. */
  hover(id: string | undefined): void {
    if (id === this.#hovered) return;
    const area = this.#area;
    if (!area) return;
    const before = this.#hovered;
    this.#hovered = id;
    if (before !== undefined && !this.mounted.get().has(before)) area.nodeViews.get(before)?.element.remove();
    if (id === undefined || this.mounted.get().has(id)) return;
    const slot = this.#slots.get(id);
    const node = this.#scene.nodes.get(id);
    const element = area.nodeViews.get(id)?.element;
    if (!slot || !node || !element) return;
    this.#size(slot, node);
    area.area.content.add(element);
  }

  #size(slot: HTMLElement, node: Rect): void {
    slot.style.width = `${node.width}px`;
    slot.style.height = `${node.height}px`;
  }

  /** Tells the connection plugin of a socket on screen; the returned function takes it back. */
  mountSocket(element: HTMLElement, place: SocketPlace): () => void {
    const area = this.#area;
    void area?.emit({ type: 'render', data: { type: 'socket', element, ...place } });
    return () => void area?.emit({ type: 'unmount', data: { element } });
  }
}

function grow(rect: Rect, by: number): Rect {
  return { x: rect.x - by, y: rect.y - by, width: rect.width + 2 * by, height: rect.height + 2 * by };
}
