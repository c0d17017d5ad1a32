/**
 * The canvas: rete's editor, area and connection plugin with our renderer, over the document. It shows and takes
 * gestures; every change it makes is an edit of the document, which then comes back through the projection.
 */
import { NodeEditor } from 'rete';
import { AreaPlugin, Drag } from 'rete-area-plugin';
import { ConnectionPlugin } from 'rete-connection-plugin';
import type { Editor } from '../app/editor.ts';
import { boundsOf, overlaps, type Rect } from '../layout/geometry.ts';
import { nodeAt, wireAt } from '../layout/hit-test.ts';
import { disconnect, edgeKey } from '../state/edits.ts';
import { Observable } from '../state/observable.ts';
import { CanvasLayer } from './canvas-layer.ts';
import { NodeDrag } from './node-drag.ts';
import { OneRootPlugin } from './one-root-plugin.ts';
import { paintFrames } from './paint-frames.ts';
import { paintNodes } from './paint-nodes.ts';
import { paintHeldWire, paintWires } from './paint-wires.ts';
import { type ClientRect, listenToGestures } from './pointer-gestures.ts';
import { Projection } from './projection.ts';
import { Scene, type SceneWire } from './scene.ts';
import { nodeLook, wireLook } from './scene-look.ts';
import type { Scheme, SocketSignal } from './scheme.ts';
import { TypedFlow } from './typed-flow.ts';
import { ViewportControl } from './viewport-control.ts';
import { WheelZoom, zoomLimits } from './wheel-zoom.ts';
import { Wiring } from './wiring.ts';

export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

const noKeys: ReadonlySet<string> = new Set();
/** Ms without zooming after which the picture is painted sharp again. */
const settleMs = 120;
/** More dragged nodes than this are painted rather than kept in the DOM when they leave the view. */
const keptWhileDragged = 20;
/** Zoom from which a node can be worked with; jumping to a node goes at least this near. */
const workingZoom = 0.8;
/** Zoom below which the words on a node cannot be read; nothing opens smaller. */
const readableZoom = 0.55;

export class GraphView {
  readonly container: HTMLElement;
  readonly scene = new Scene();
  readonly plugin: OneRootPlugin;
  readonly port: ViewportControl;
  readonly wiring: Wiring;
  readonly viewport = new Observable<Viewport>({ x: 0, y: 0, zoom: 1 });
  /** Rectangle being drawn to select, in px of the container. */
  readonly marquee = new Observable<Rect | undefined>(undefined);
  readonly #editor: Editor;
  readonly #area: AreaPlugin<Scheme, SocketSignal>;
  readonly #connection = new ConnectionPlugin<Scheme, SocketSignal>();
  readonly #flow: TypedFlow;
  readonly #drag: NodeDrag;
  readonly #layer: CanvasLayer;
  readonly #projection: Projection;
  readonly #stops: (() => void)[] = [];
  #frame = 0;
  #dirty = true;
  #settle: ReturnType<typeof setTimeout> | undefined;
  #still: ReturnType<typeof setTimeout> | undefined;
  #hoveredWire: string | undefined;
  #pointer = { x: 0, y: 0, inside: false, moved: false };
  /** Loose end of the wire in the hand. */
  #heldEnd: { x: number; y: number } | undefined;
  /** What was selected when a rectangle that adds to it was begun. */
  #marqueeBase: ReadonlySet<string> = noKeys;

  constructor(container: HTMLElement, editor: Editor) {
    this.container = container;
    this.#editor = editor;
    const rete = new NodeEditor<Scheme>();
    this.#area = new AreaPlugin<Scheme, SocketSignal>(container);
    rete.use(this.#area);
    this.port = new ViewportControl(this.#area);
    this.#drag = new NodeDrag(editor, this.scene, this.#area);
    this.plugin = new OneRootPlugin(this.scene, {
      onPseudoWire: (end) => {
        this.#heldEnd = end;
        this.#schedule();
      },
      onViewChange: (kind) => this.#viewChanged(kind),
      onNodePicked: (id) => this.#drag.pick(id),
      onNodeMoved: (id, to, from) => {
        const moved = this.#drag.move(id, to, from);
        // Wires change layers at the first movement; painted nodes move with the picture under them.
        if (moved?.first || (moved && !this.plugin.live)) this.#dirty = true;
        if (moved) this.#schedule();
      },
      onNodeDropped: (id) => {
        this.#drag.drop(id);
        this.repaint();
        // What rete moved without it being a drag of ours goes back to where the document has it.
        void this.#projection.run();
      },
    });
    this.#area.use(this.plugin);
    this.wiring = new Wiring(editor, this.scene, {
      pointer: () => ({
        screen: { x: this.#pointer.x, y: this.#pointer.y },
        at: this.port.toGraph(this.#pointer.x, this.#pointer.y),
      }),
    });
    this.#flow = new TypedFlow(this.wiring);
    this.#connection.addPreset(() => this.#flow);
    this.#area.use(this.#connection);
    this.#area.area.setZoomHandler(new WheelZoom((dx, dy) => this.port.panBy(dx, dy)));
    // One finger pans; with a mouse, panning is in pointer-gestures.ts.
    this.#area.area.setDragHandler(
      new Drag({ down: (event) => event.pointerType === 'touch', move: () => true }),
    );
    this.#area.addPipe((signal) => {
      if (signal.type !== 'zoom') return signal;
      const zoom = Math.min(zoomLimits.max, Math.max(zoomLimits.min, signal.data.zoom));
      return { ...signal, data: { ...signal.data, zoom } };
    });
    this.#layer = new CanvasLayer(this.#area.area.content.holder);
    this.#projection = new Projection(rete, this.#area, this.scene, () => this.repaint());
    this.#followEditor();
    this.#listen();
    this.#syncScene();
  }

  destroy(): void {
    for (const stop of this.#stops) stop();
    cancelAnimationFrame(this.#frame);
    clearTimeout(this.#settle);
    clearTimeout(this.#still);
    this.#projection.stop();
    this.#layer.destroy();
    this.#area.destroy();
  }

  /** Shows these nodes, or all, as large as fits. */
  frame(ids: Iterable<string> = this.scene.nodes.keys()): void {
    const bounds = boundsOf([...ids].flatMap((id) => this.scene.nodes.get(id) ?? []));
    if (bounds) this.port.frame(bounds);
  }

  /** Shows all nodes, or where they begin when they would be too small to read. */
  frameToRead(): void {
    const bounds = boundsOf(this.scene.nodes.values());
    if (!bounds) return;
    let first: Rect = bounds;
    for (const node of this.scene.nodes.values()) if (node.x < first.x || first === bounds) first = node;
    this.port.frame(bounds, { zoom: readableZoom, beginning: first });
  }

  /** Brings a node into the middle, near enough to work with. */
  reveal(id: string): void {
    const node = this.scene.nodes.get(id);
    if (!node) return;
    this.port.lookAt(
      node.x + node.width / 2,
      node.y + node.height / 2,
      Math.max(this.port.zoom, workingZoom),
    );
  }

  /** Where the pointer is in the graph, or the middle of the view when it is elsewhere. */
  pointerInGraph(): [number, number] {
    return this.#pointer.inside ? this.port.toGraph(this.#pointer.x, this.#pointer.y) : this.port.centre();
  }

  /** Puts a wire in the hand back where it was; false when there is none. */
  cancelWire(): boolean {
    if (!this.wiring.inHand.get()) return false;
    this.#flow.cancel();
    this.#connection.drop();
    return true;
  }

  /** Paints everything anew in the next frame. */
  repaint(): void {
    this.#dirty = true;
    this.#schedule();
  }

  #followEditor(): void {
    const { document, catalogue, selection, runs, check, theme } = this.#editor;
    const repaint = (): void => this.repaint();
    this.#stops.push(
      document.subscribe(() => this.#syncScene()),
      catalogue.subscribe(() => this.#syncScene()),
      this.plugin.mounted.subscribe(() => this.#schedule()),
      this.wiring.inHand.subscribe(() => {
        this.container.classList.toggle('wiring', this.wiring.inHand.get() !== undefined);
        this.repaint();
      }),
    );
    for (const source of [selection, runs.shown, check, theme]) this.#stops.push(source.subscribe(repaint));
  }

  #listen(): void {
    const { container } = this;
    const resized = new ResizeObserver(() => {
      this.port.measure();
      this.repaint();
    });
    resized.observe(container);
    const onMove = (event: PointerEvent): void => {
      const inside = event.target instanceof Node && container.contains(event.target);
      this.#pointer = { x: event.clientX, y: event.clientY, inside, moved: true };
      this.#schedule();
    };
    const onDown = (event: PointerEvent): void => {
      this.#drag.additive = event.shiftKey || event.ctrlKey || event.metaKey;
      this.port.measure();
    };
    container.addEventListener('pointermove', onMove);
    container.addEventListener('pointerdown', onDown, { capture: true });
    this.#stops.push(
      () => resized.disconnect(),
      () => container.removeEventListener('pointermove', onMove),
      () => container.removeEventListener('pointerdown', onDown, { capture: true }),
      listenToGestures({
        container,
        panBy: (dx, dy) => this.port.panBy(dx, dy),
        cutWire: (event) => this.#cutWire(event),
        marquee: (rect, event) => this.#drawMarquee(rect, event),
        clickEmpty: (event) => this.#clickEmpty(event),
      }),
    );
    this.port.measure();
  }

  #syncScene(): void {
    this.scene.sync(this.#editor.document.get(), this.#editor.catalogue.get());
    this.repaint();
    void this.#projection.run();
  }

  #viewChanged(kind: 'pan' | 'zoom'): void {
    // A layer of its own for as long as it moves: the compositor shifts it, nothing is drawn again.
    const { style } = this.#area.area.content.holder;
    if (kind === 'pan') {
      if (style.willChange === '') style.willChange = 'transform';
      clearTimeout(this.#still);
      this.#still = setTimeout(() => {
        style.willChange = '';
      }, settleMs * 2);
    } else {
      style.willChange = '';
      clearTimeout(this.#settle);
      this.#settle = setTimeout(() => {
        if (!this.#layer.isSharp(this.port.zoom)) this.repaint();
      }, settleMs);
    }
    this.#schedule();
  }

  #schedule(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  }

  #draw(): void {
    const { x, y, k } = this.#area.area.transform;
    const before = this.viewport.get();
    if (before.x !== x || before.y !== y || before.zoom !== k) this.viewport.set({ x, y, zoom: k });
    if (this.port.box.width === 0) return;
    if (this.#pointer.moved) this.#hover();
    const view = this.port.visible();
    const waiting = this.plugin.cull(view, k, this.#kept());
    const covered = this.#layer.covers(view, k);
    if (this.#dirty || !covered) {
      this.#dirty = false;
      if (!covered || (!this.#layer.isSharp(k) && !this.#drag.isActive)) this.#layer.place(view, k);
      this.#drawStill(k);
    }
    this.#drawMoving(k);
    if (waiting) this.#schedule();
  }

  #drawStill(zoom: number): void {
    const ctx = this.#layer.beginStill();
    const { region } = this.#layer;
    const taken = this.wiring.inHand.get()?.held.taken;
    const left = taken ? new Set([...this.#drag.wires, edgeKey(taken)]) : this.#drag.wires;
    const look = wireLook(this.#editor, zoom, this.#hoveredWire, left);
    paintFrames(ctx, this.#editor.document.get(), region, look.theme, zoom);
    paintWires(ctx, this.scene, this.scene.wires.values(), region, look);
    paintNodes(ctx, this.scene, region, nodeLook(this.#editor, zoom, this.plugin.mounted.get()));
  }

  /** What changes in every frame of a gesture: the wires of dragged nodes, and the wire in the hand. */
  #drawMoving(zoom: number): void {
    const wire = this.wiring.inHand.get();
    if (!wire && this.#drag.wires.size === 0) {
      this.#layer.clearMoving();
      return;
    }
    const ctx = this.#layer.beginMoving();
    if (this.#drag.wires.size > 0) {
      const look = {
        ...wireLook(this.#editor, zoom, this.#hoveredWire, noKeys),
        facts: new Map<string, string>(),
      };
      const moving = [...this.#drag.wires].flatMap((key) => this.scene.wires.get(key) ?? []);
      paintWires(ctx, this.scene, moving, this.#layer.region, look);
    }
    const holder = wire && this.scene.nodes.get(wire.held.end[0]);
    if (wire && holder && this.#heldEnd) {
      const { side, end } = wire.held;
      const fixed = this.scene.socketAt(holder, side, end[1]);
      paintHeldWire(ctx, fixed, this.#heldEnd, side, wire.type, this.#editor.theme.get(), zoom);
    }
  }

  /** Nodes that stay in the DOM wherever the view goes: dragged ones (few), and the one with the focus. */
  #kept(): ReadonlySet<string> {
    const keep = new Set(this.#drag.ids.size <= keptWhileDragged ? this.#drag.ids : noKeys);
    const focused = document.activeElement?.closest<HTMLElement>('.node-place')?.dataset['nodeId'];
    if (focused !== undefined) keep.add(focused);
    return keep;
  }

  #hover(): void {
    this.#pointer.moved = false;
    if (this.#drag.isActive || this.marquee.get()) return;
    const [x, y] = this.port.toGraph(this.#pointer.x, this.#pointer.y);
    const { inside } = this.#pointer;
    const over = inside ? nodeAt(this.scene.nodes, x, y) : undefined;
    this.plugin.hover(this.plugin.live ? undefined : over);
    const wire = inside && over === undefined && !this.wiring.inHand.get() ? this.#wireAt(x, y) : undefined;
    if (wire === this.#hoveredWire) return;
    this.#hoveredWire = wire;
    this.container.classList.toggle('over-wire', wire !== undefined);
    this.#dirty = true;
  }

  #wireAt(x: number, y: number): string | undefined {
    const { scene } = this;
    const paths = function* () {
      for (const wire of scene.wires.values()) yield [wire.key, scene.path(wire)] as const;
    };
    return wireAt(paths(), x, y, 7 / this.port.zoom);
  }

  #wireUnder(event: PointerEvent): SceneWire | undefined {
    const [x, y] = this.port.toGraph(event.clientX, event.clientY);
    const key = nodeAt(this.scene.nodes, x, y) === undefined ? this.#wireAt(x, y) : undefined;
    return key === undefined ? undefined : this.scene.wires.get(key);
  }

  #cutWire(event: PointerEvent): boolean {
    const wire = this.#wireUnder(event);
    if (!wire) return false;
    this.#editor.document.edit('Cut wire', (draft) => {
      disconnect(draft, wire);
    });
    return true;
  }

  #clickEmpty(event: PointerEvent): void {
    const wire = this.#wireUnder(event);
    if (wire) this.#editor.selection.wire(wire.key);
    else this.#editor.selection.clear();
  }

  #drawMarquee(rect: ClientRect | undefined, event: PointerEvent): void {
    const { selection } = this.#editor;
    if (!rect) {
      this.marquee.set(undefined);
      return;
    }
    if (!this.marquee.get()) this.#marqueeBase = event.shiftKey ? selection.get().nodes : noKeys;
    const [left, top] = this.port.toGraph(rect.left, rect.top);
    const [right, bottom] = this.port.toGraph(rect.right, rect.bottom);
    const part: Rect = { x: left, y: top, width: right - left, height: bottom - top };
    const hit = [...this.scene.nodes.values()].filter((node) => overlaps(node, part)).map((node) => node.id);
    selection.only([...this.#marqueeBase, ...hit]);
    this.marquee.set({
      x: rect.left - this.port.box.left,
      y: rect.top - this.port.box.top,
      width: rect.right - rect.left,
      height: rect.bottom - rect.top,
    });
  }
}
