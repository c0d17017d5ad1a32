/**
 * The canvas: rete's editor, area and connection plugin with our renderer, over the document. It shows and takes
 * gestures; every change it makes is an edit of the document, which then comes back through the projection.
 */
import {
  type ConnectResult,
  connectionRule,
  type Endpoint,
  type PortType,
  type WorkflowEdge,
} from '@reelgraph/graph';
import { NodeEditor } from 'rete';
import { AreaPlugin, Drag } from 'rete-area-plugin';
import { ConnectionPlugin } from 'rete-connection-plugin';
import type { Editor } from '../app/editor.ts';
import { boundsOf, overlaps, type Place, type Rect } from '../layout/geometry.ts';
import { nodeAt, wireAt } from '../layout/hit-test.ts';
import { connect, disconnect, edgeKey, moveNodes, type Point } from '../state/edits.ts';
import { factsLabel } from '../state/facts-label.ts';
import { Observable } from '../state/observable.ts';
import { noNodes } from '../state/run-store.ts';
import { CanvasLayer } from './canvas-layer.ts';
import { OneRootPlugin } from './one-root-plugin.ts';
import { paintFrames } from './paint-frames.ts';
import { type NodeLook, paintNodes } from './paint-nodes.ts';
import { paintHeldWire, paintWires, type WireLook } from './paint-wires.ts';
import { listenToGestures } from './pointer-gestures.ts';
import { Projection } from './projection.ts';
import { Scene, type SceneWire } from './scene.ts';
import type { Scheme, SocketSignal } from './scheme.ts';
import { type HeldWire, TypedFlow } from './typed-flow.ts';
import { WheelZoom, zoomLimits } from './wheel-zoom.ts';

/** A wire in the hand, for sockets to show whether they would take it. */
export interface Wiring {
  readonly held: HeldWire;
  readonly type: PortType | undefined;
  readonly rule: (other: Endpoint) => ConnectResult;
}

export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

const noKeys: ReadonlySet<string> = new Set();
/** Ms without zooming after which the picture is painted sharp again. */
const settleMs = 120;

export class GraphView {
  readonly container: HTMLElement;
  readonly scene = new Scene();
  readonly plugin: OneRootPlugin;
  readonly wiring = new Observable<Wiring | undefined>(undefined);
  readonly viewport = new Observable<Viewport>({ x: 0, y: 0, zoom: 1 });
  /** Rectangle being drawn to select, in px of the container. */
  readonly marquee = new Observable<Rect | undefined>(undefined);
  readonly #editor: Editor;
  readonly #area: AreaPlugin<Scheme, SocketSignal>;
  readonly #connection = new ConnectionPlugin<Scheme, SocketSignal>();
  readonly #flow: TypedFlow;
  readonly #layer: CanvasLayer;
  readonly #projection: Projection;
  readonly #stops: (() => void)[] = [];
  #frame = 0;
  #dirty = true;
  #settle: ReturnType<typeof setTimeout> | undefined;
  #still: ReturnType<typeof setTimeout> | undefined;
  #hoveredWire: string | undefined;
  #pointer = { x: 0, y: 0 };
  #pointerInside = false;
  #pointerMoved = false;
  #heldEnd: { x: number; y: number } | undefined;
  /** Nodes being dragged, with where they were. */
  #dragged: Map<string, Point> | undefined;
  /** The one under the pointer; rete moves it and the others follow. */
  #leader: string | undefined;
  #dragMoved = false;
  #pickShift = false;
  #movingWires: ReadonlySet<string> = noKeys;
  #marqueeBase: ReadonlySet<string> = noKeys;
  #size = { width: 0, height: 0, left: 0, top: 0 };

  constructor(container: HTMLElement, editor: Editor) {
    this.container = container;
    this.#editor = editor;
    const rete = new NodeEditor<Scheme>();
    this.#area = new AreaPlugin<Scheme, SocketSignal>(container);
    rete.use(this.#area);
    this.plugin = new OneRootPlugin(this.scene, {
      onPseudoWire: (end) => {
        this.#heldEnd = end;
        this.#schedule();
      },
      onViewChange: (kind) => this.#viewChanged(kind),
      onNodeMoved: (id, to, from) => this.#nodeMoved(id, to, from),
      onNodePicked: (id) => this.#nodePicked(id),
      onNodeDropped: (id) => this.#nodeDropped(id),
    });
    this.#area.use(this.plugin);
    this.#flow = new TypedFlow(this.#wiringHost());
    this.#connection.addPreset(() => this.#flow);
    this.#area.use(this.#connection);
    this.#area.area.setZoomHandler(new WheelZoom((dx, dy) => this.panBy(dx, dy)));
    this.#area.area.setDragHandler(
      new Drag({ down: (event) => event.pointerType === 'touch', move: () => true }),
    );
    this.#area.addPipe((signal) => {
      if (signal.type === 'zoom') {
        const zoom = Math.min(zoomLimits.max, Math.max(zoomLimits.min, signal.data.zoom));
        return { ...signal, data: { ...signal.data, zoom } };
      }
      return signal;
    });
    this.#layer = new CanvasLayer(this.#area.area.content.holder);
    this.#projection = new Projection(rete, this.#area, this.scene, () => this.repaint());
    this.#listen();
    this.#syncScene();
  }

  #listen(): void {
    const { document, catalogue, selection, runs, check, theme } = this.#editor;
    const container = this.container;
    this.#stops.push(
      document.subscribe(() => this.#syncScene()),
      catalogue.subscribe(() => this.#syncScene()),
      selection.subscribe(() => this.repaint()),
      runs.shown.subscribe(() => this.repaint()),
      check.subscribe(() => this.repaint()),
      theme.subscribe(() => this.repaint()),
      this.plugin.mounted.subscribe(() => this.#schedule()),
      listenToGestures({
        container,
        panBy: (dx, dy) => this.panBy(dx, dy),
        cutWire: (event) => this.#cutWire(event),
        marquee: (rect, event) => this.#drawMarquee(rect, event),
        clickEmpty: (event) => this.#clickEmpty(event),
      }),
    );
    const resized = new ResizeObserver(() => {
      this.#measure();
      this.repaint();
    });
    resized.observe(container);
    const onMove = (event: PointerEvent): void => {
      this.#pointer = { x: event.clientX, y: event.clientY };
      this.#pointerInside = event.target instanceof Node && container.contains(event.target);
      this.#pointerMoved = true;
      this.#schedule();
    };
    // Rete's pick carries no modifier keys; they are read from the press that causes it.
    const onDown = (event: PointerEvent): void => {
      this.#pickShift = event.shiftKey || event.ctrlKey || event.metaKey;
      this.#measure();
    };
    container.addEventListener('pointermove', onMove);
    container.addEventListener('pointerdown', onDown, { capture: true });
    this.#stops.push(() => {
      resized.disconnect();
      container.removeEventListener('pointermove', onMove);
      container.removeEventListener('pointerdown', onDown, { capture: true });
    });
    this.#measure();
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

  // --- view ---------------------------------------------------------------------------------------------------

  /** The part of the graph in sight. */
  visible(): Rect {
    const { x, y, k } = this.#area.area.transform;
    return { x: -x / k, y: -y / k, width: this.#size.width / k, height: this.#size.height / k };
  }

  toGraph(clientX: number, clientY: number): [number, number] {
    const { x, y, k } = this.#area.area.transform;
    return [(clientX - this.#size.left - x) / k, (clientY - this.#size.top - y) / k];
  }

  toScreen([x, y]: Point): { x: number; y: number } {
    const transform = this.#area.area.transform;
    return {
      x: x * transform.k + transform.x + this.#size.left,
      y: y * transform.k + transform.y + this.#size.top,
    };
  }

  /** Middle of what is seen, in the graph. */
  centre(): [number, number] {
    const view = this.visible();
    return [view.x + view.width / 2, view.y + view.height / 2];
  }

  /** Where the pointer is in the graph, or the middle of the view when it is elsewhere. */
  pointerInGraph(): [number, number] {
    return this.#pointerInside ? this.toGraph(this.#pointer.x, this.#pointer.y) : this.centre();
  }

  panBy(dx: number, dy: number): void {
    const { x, y } = this.#area.area.transform;
    void this.#area.area.translate(x + dx, y + dy);
  }

  zoomBy(factor: number): void {
    const { x, y, k } = this.#area.area.transform;
    const zoom = Math.min(zoomLimits.max, Math.max(zoomLimits.min, k * factor));
    const shift = 1 - zoom / k;
    void this.#area.area.zoom(zoom, (this.#size.width / 2 - x) * shift, (this.#size.height / 2 - y) * shift);
  }

  setViewport({ x, y, zoom }: Viewport): void {
    void this.#area.area.zoom(zoom, 0, 0);
    void this.#area.area.translate(x, y);
  }

  /** Shows these nodes (all without ids) as large as fits, not larger than life. */
  frame(ids?: Iterable<string>): void {
    this.#measure();
    const nodes = ids
      ? [...ids].flatMap((id) => this.scene.nodes.get(id) ?? [])
      : [...this.scene.nodes.values()];
    const bounds = boundsOf(nodes);
    const { width, height } = this.#size;
    if (!bounds || width === 0) return;
    const pad = 28;
    const zoom = Math.max(
      zoomLimits.min,
      Math.min(1, (width - 2 * pad) / bounds.width, (height - 2 * pad) / bounds.height),
    );
    this.setViewport({
      x: (width - bounds.width * zoom) / 2 - bounds.x * zoom,
      y: (height - bounds.height * zoom) / 2 - bounds.y * zoom,
      zoom,
    });
  }

  /** Brings a node into sight without changing the zoom more than needed to work with it. */
  reveal(id: string): void {
    const node = this.scene.nodes.get(id);
    if (!node) return;
    const zoom = Math.max(this.#area.area.transform.k, 0.8);
    this.setViewport({
      x: this.#size.width / 2 - (node.x + node.width / 2) * zoom,
      y: this.#size.height / 2 - (node.y + node.height / 2) * zoom,
      zoom,
    });
  }

  /** Puts the middle of the view on a point of the graph. */
  lookAt(x: number, y: number): void {
    const { k } = this.#area.area.transform;
    void this.#area.area.translate(this.#size.width / 2 - x * k, this.#size.height / 2 - y * k);
  }

  #measure(): void {
    const box = this.container.getBoundingClientRect();
    this.#size = { width: box.width, height: box.height, left: box.left, top: box.top };
  }

  #viewChanged(kind: 'pan' | 'zoom'): void {
    // A layer of its own for as long as it moves: the compositor shifts it, nothing is drawn again.
    const holder = this.#area.area.content.holder;
    if (kind === 'pan') {
      if (holder.style.willChange === '') holder.style.willChange = 'transform';
      clearTimeout(this.#still);
      this.#still = setTimeout(() => {
        holder.style.willChange = '';
      }, settleMs * 2);
    } else {
      holder.style.willChange = '';
      clearTimeout(this.#settle);
      this.#settle = setTimeout(() => {
        if (!this.#layer.isSharp(this.#area.area.transform.k)) this.repaint();
      }, settleMs);
    }
    this.#schedule();
  }

  // --- frames -------------------------------------------------------------------------------------------------

  /** Paints everything anew in the next frame. */
  repaint(): void {
    this.#dirty = true;
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
    if (this.#size.width === 0) return;
    const view = this.visible();
    if (this.#pointerMoved) this.#hover();
    const waiting = this.plugin.cull(view, k, this.#kept());
    if (!this.#layer.covers(view, k)) this.#dirty = true;
    if (this.#dirty) {
      this.#dirty = false;
      if (!this.#layer.covers(view, k) || (!this.#layer.isSharp(k) && this.#dragged === undefined)) {
        this.#layer.place(view, k);
      }
      const ctx = this.#layer.beginStill();
      paintFrames(ctx, this.#editor.document.get(), this.#layer.region, this.#editor.theme.get(), k);
      paintWires(ctx, this.scene, this.scene.wires.values(), this.#layer.region, this.#wireLook());
      paintNodes(ctx, this.scene, this.#layer.region, this.#nodeLook());
    }
    this.#drawMoving();
    if (waiting) this.#schedule();
  }

  #drawMoving(): void {
    const held = this.wiring.get();
    if (!held && this.#movingWires.size === 0) {
      this.#layer.clearMoving();
      return;
    }
    const ctx = this.#layer.beginMoving();
    if (this.#movingWires.size > 0) {
      const look = { ...this.#wireLook(), left: noKeys, facts: new Map<string, string>() };
      const moving = [...this.#movingWires].flatMap((key) => this.scene.wires.get(key) ?? []);
      paintWires(ctx, this.scene, moving, this.#layer.region, look);
    }
    if (held && this.#heldEnd) {
      const node = this.scene.nodes.get(held.held.end[0]);
      if (node) {
        const fixed = this.scene.socketAt(node, held.held.side, held.held.end[1]);
        const { theme } = this.#editor;
        paintHeldWire(
          ctx,
          fixed,
          this.#heldEnd,
          held.held.side,
          held.type,
          theme.get(),
          this.#area.area.transform.k,
        );
      }
    }
  }

  #wireLook(): WireLook {
    const { selection, theme, check, runs } = this.#editor;
    const facts = new Map<string, string>();
    for (const [id, ports] of Object.entries(check.get().facts)) {
      for (const [port, known] of Object.entries(ports)) {
        const text = factsLabel(known);
        if (text !== '') facts.set(`${id} ${port}`, text);
      }
    }
    const broken = new Set<string>();
    for (const [id, node] of Object.entries(runs.shown.get()?.nodes ?? noNodes)) {
      if (node.status === 'failed' || node.status === 'skipped') broken.add(id);
    }
    const { nodes, wire } = selection.get();
    const taken = this.wiring.get()?.held.taken;
    const left = taken ? new Set([...this.#movingWires, edgeKey(taken)]) : this.#movingWires;
    return {
      theme: theme.get(),
      zoom: this.#area.area.transform.k,
      selectedNodes: nodes,
      selectedWire: wire,
      hoveredWire: this.#hoveredWire,
      left,
      broken,
      facts,
    };
  }

  #nodeLook(): NodeLook {
    const { selection, theme, check, runs } = this.#editor;
    return {
      theme: theme.get(),
      zoom: this.#area.area.transform.k,
      selected: selection.get().nodes,
      mounted: this.plugin.mounted.get(),
      runNodes: runs.shown.get()?.nodes ?? noNodes,
      withErrors: new Set(
        check.get().issues.flatMap((issue) => (issue.severity === 'error' ? (issue.nodeId ?? []) : [])),
      ),
    };
  }

  /** Nodes that stay in the DOM wherever the view goes: dragged ones (few), and the one with the focus. */
  #kept(): ReadonlySet<string> {
    const keep = new Set<string>();
    if (this.#dragged && this.#dragged.size <= 20) for (const id of this.#dragged.keys()) keep.add(id);
    const focused = document.activeElement?.closest<HTMLElement>('.node-place')?.dataset['nodeId'];
    if (focused !== undefined && focused !== null) keep.add(focused);
    return keep;
  }

  // --- pointer ------------------------------------------------------------------------------------------------

  #hover(): void {
    this.#pointerMoved = false;
    if (this.#dragged || this.marquee.get()) return;
    const [x, y] = this.toGraph(this.#pointer.x, this.#pointer.y);
    const over = this.#pointerInside ? nodeAt(this.scene.nodes, x, y) : undefined;
    this.plugin.hover(this.plugin.live ? undefined : over);
    const wire =
      over === undefined && this.#pointerInside && !this.wiring.get() ? this.#wireAt(x, y) : undefined;
    if (wire !== this.#hoveredWire) {
      this.#hoveredWire = wire;
      this.container.classList.toggle('over-wire', wire !== undefined);
      this.#dirty = true;
    }
  }

  #wireAt(x: number, y: number): string | undefined {
    const scene = this.scene;
    const paths = function* () {
      for (const wire of scene.wires.values()) yield [wire.key, scene.path(wire)] as const;
    };
    return wireAt(paths(), x, y, 7 / this.#area.area.transform.k);
  }

  #wireUnder(event: PointerEvent): SceneWire | undefined {
    const [x, y] = this.toGraph(event.clientX, event.clientY);
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

  #drawMarquee(
    rect: { left: number; top: number; right: number; bottom: number } | undefined,
    event: PointerEvent,
  ): void {
    const { selection } = this.#editor;
    if (!rect) {
      this.marquee.set(undefined);
      return;
    }
    if (!this.marquee.get()) this.#marqueeBase = event.shiftKey ? selection.get().nodes : noKeys;
    const [left, top] = this.toGraph(rect.left, rect.top);
    const [right, bottom] = this.toGraph(rect.right, rect.bottom);
    const area: Rect = { x: left, y: top, width: right - left, height: bottom - top };
    const hit = [...this.scene.nodes.values()].filter((node) => overlaps(node, area)).map((node) => node.id);
    selection.only([...this.#marqueeBase, ...hit]);
    this.marquee.set({
      x: rect.left - this.#size.left,
      y: rect.top - this.#size.top,
      width: rect.right - rect.left,
      height: rect.bottom - rect.top,
    });
  }

  // --- nodes --------------------------------------------------------------------------------------------------

  #nodePicked(id: string): void {
    const { selection } = this.#editor;
    const { nodes } = selection.get();
    if (this.#pickShift) {
      selection.toggle(id);
      if (nodes.has(id)) return;
    } else if (!nodes.has(id)) {
      selection.only([id]);
    }
    const dragged = new Map<string, Point>();
    for (const other of selection.get().nodes) {
      const node = this.scene.nodes.get(other);
      if (node) dragged.set(other, [node.x, node.y]);
    }
    this.#dragged = dragged;
    this.#dragMoved = false;
    this.#leader = id;
  }

  #nodeMoved(id: string, to: Place, from: Place): void {
    // Rete also reports where the projection puts nodes; the scene knows that already.
    if (!this.#dragged?.has(id)) return;
    this.scene.move(id, to.x, to.y);
    if (id === this.#leader) {
      if (!this.#dragMoved) {
        this.#dragMoved = true;
        const moving = new Set<string>();
        for (const dragged of this.#dragged.keys())
          for (const wire of this.scene.wiresOf(dragged)) moving.add(wire.key);
        this.#movingWires = moving;
        this.#dirty = true;
      }
      for (const other of this.#dragged.keys()) {
        if (other === id) continue;
        const view = this.#area.nodeViews.get(other);
        if (view) void view.translate(view.position.x + to.x - from.x, view.position.y + to.y - from.y);
      }
      // Painted nodes move with the picture under them.
      if (!this.plugin.live) this.#dirty = true;
    }
    this.#schedule();
  }

  #nodeDropped(id: string): void {
    const dragged = this.#dragged;
    this.#dragged = undefined;
    this.#leader = undefined;
    this.#movingWires = noKeys;
    this.repaint();
    if (!dragged) return;
    if (!this.#dragMoved) {
      if (!this.#pickShift) this.#editor.selection.only([id]);
      return;
    }
    const places = new Map<string, Point>();
    for (const moved of dragged.keys()) {
      const node = this.scene.nodes.get(moved);
      if (node) places.set(moved, [node.x, node.y]);
    }
    const label = places.size === 1 ? 'Move node' : `Move ${places.size} nodes`;
    this.#editor.document.edit(label, (draft) => {
      moveNodes(draft, places);
    });
  }

  // --- wires --------------------------------------------------------------------------------------------------

  /** Puts a wire in the hand back where it was. */
  cancelWire(): boolean {
    if (!this.wiring.get()) return false;
    this.#flow.cancel();
    this.#connection.drop();
    return true;
  }

  #wiringHost() {
    const { document, catalogue, notices, overlay } = this.#editor;
    return {
      edgeInto: (input: Endpoint): WorkflowEdge | undefined =>
        document.get().edges.find((edge) => edge.to[0] === input[0] && edge.to[1] === input[1]),
      rule: (held: HeldWire) =>
        connectionRule(
          document.get(),
          catalogue.get(),
          held.side === 'output' ? { output: held.end } : { input: held.end },
        ),
      begin: (held: HeldWire, rule: (other: Endpoint) => ConnectResult): void => {
        const info = this.scene.nodes.get(held.end[0])?.info;
        const type = (held.side === 'output' ? info?.outputs : info?.inputs)?.[held.end[1]]?.type;
        this.wiring.set({ held, rule, type });
        this.container.classList.add('wiring');
        this.repaint();
      },
      end: (): void => {
        this.wiring.set(undefined);
        this.container.classList.remove('wiring');
        this.repaint();
      },
      connect: (from: Endpoint, to: Endpoint, taken: WorkflowEdge | undefined): void => {
        document.edit('Connect', (draft) => {
          if (taken) disconnect(draft, taken);
          connect(draft, from, to);
        });
      },
      refuse: (reason: string): void => notices.add({ tone: 'bad', text: sentence(reason) }),
      dropOnEmpty: (held: HeldWire, rule: (other: Endpoint) => ConnectResult): void => {
        if (this.#dropOnNode(held, rule)) return;
        const taken = held.taken;
        if (taken) {
          document.edit('Disconnect', (draft) => {
            disconnect(draft, taken);
          });
          return;
        }
        const at = this.toGraph(this.#pointer.x, this.#pointer.y);
        overlay.set({ kind: 'add', screen: { ...this.#pointer }, at, wire: { held, end: held.end } });
      },
    };
  }

  /** Let go over a node but beside its sockets: the wire goes to the first socket that fits. */
  #dropOnNode(held: HeldWire, rule: (other: Endpoint) => ConnectResult): boolean {
    const { document, notices } = this.#editor;
    const [x, y] = this.toGraph(this.#pointer.x, this.#pointer.y);
    const id = nodeAt(this.scene.nodes, x, y);
    const node = id === undefined ? undefined : this.scene.nodes.get(id);
    if (!node || node.id === held.end[0]) return node !== undefined;
    const ports = held.side === 'output' ? node.geometry.inputs : node.geometry.outputs;
    const fits = ports.flatMap((port) => {
      const answer = rule([node.id, port]);
      return answer.ok ? [{ port, free: answer.replaces === undefined }] : [];
    });
    const best = fits.find((fit) => fit.free) ?? fits[0];
    if (!best) {
      const title = node.node.title ?? node.info.title;
      const type = this.scene.nodes.get(held.end[0])?.info;
      const carried = (held.side === 'output' ? type?.outputs : type?.inputs)?.[held.end[1]]?.type ?? 'this';
      notices.add({
        tone: 'bad',
        text: `${title} has no ${held.side === 'output' ? 'input' : 'output'} for ${carried}.`,
      });
      return true;
    }
    const other: Endpoint = [node.id, best.port];
    const [from, to] = held.side === 'output' ? [held.end, other] : [other, held.end];
    document.edit('Connect', (draft) => {
      if (held.taken) disconnect(draft, held.taken);
      connect(draft, from, to);
    });
    return true;
  }

  // --- document -----------------------------------------------------------------------------------------------

  #syncScene(): void {
    this.scene.sync(this.#editor.document.get(), this.#editor.catalogue.get());
    this.repaint();
    void this.#projection.run();
  }
}

function sentence(text: string): string {
  const upper = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(upper) ? upper : `${upper}.`;
}
