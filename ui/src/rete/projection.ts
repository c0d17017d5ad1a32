/**
 * Keeps rete's editor equal to the scene. Rete's calls are asynchronous, so changes that come while it is busy are
 * taken together in the next round; rete never changes anything by itself.
 */
import type { NodeEditor } from 'rete';
import type { AreaPlugin } from 'rete-area-plugin';
import type { Scene } from './scene.ts';
import { GraphNode, type GraphWire, type Scheme, type SocketSignal } from './scheme.ts';

export class Projection {
  readonly #editor: NodeEditor<Scheme>;
  readonly #area: AreaPlugin<Scheme, SocketSignal>;
  readonly #scene: Scene;
  readonly #onDone: () => void;
  readonly #nodes = new Set<string>();
  readonly #wires = new Set<string>();
  #running = false;
  #again = false;
  #stopped = false;

  constructor(
    editor: NodeEditor<Scheme>,
    area: AreaPlugin<Scheme, SocketSignal>,
    scene: Scene,
    onDone: () => void,
  ) {
    this.#editor = editor;
    this.#area = area;
    this.#scene = scene;
    this.#onDone = onDone;
    // Whatever else asks rete for a wire (a plugin, a bug) is refused: wires come from the document.
    editor.addPipe((signal) => {
      if (signal.type === 'connectioncreate' && !scene.wires.has(signal.data.id)) return undefined;
      return signal;
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<void> {
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        await this.#round();
        this.#onDone();
      }
    } finally {
      this.#running = false;
    }
  }

  async #round(): Promise<void> {
    const scene = this.#scene;
    for (const key of [...this.#wires]) {
      if (scene.wires.has(key)) continue;
      this.#wires.delete(key);
      await this.#editor.removeConnection(key);
    }
    for (const id of [...this.#nodes]) {
      if (scene.nodes.has(id)) continue;
      this.#nodes.delete(id);
      await this.#editor.removeNode(id);
    }
    for (const node of scene.nodes.values()) {
      const isNew = !this.#nodes.has(node.id);
      if (isNew) {
        this.#nodes.add(node.id);
        await this.#editor.addNode(new GraphNode(node.id));
      }
      const view = this.#area.nodeViews.get(node.id);
      // A new view is still on its way to the origin, so its place has to be set even if it is the origin.
      if (view && (isNew || view.position.x !== node.x || view.position.y !== node.y))
        await view.translate(node.x, node.y);
    }
    for (const wire of scene.wires.values()) {
      if (this.#wires.has(wire.key)) continue;
      this.#wires.add(wire.key);
      const connection: GraphWire = {
        id: wire.key,
        source: wire.from[0],
        sourceOutput: wire.from[1],
        target: wire.to[0],
        targetInput: wire.to[1],
      };
      await this.#editor.addConnection(connection);
    }
  }
}
