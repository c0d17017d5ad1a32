/**
 * The picture of the document in px: where every node and wire is, and of what type. Kept in maps of its own,
 * because rete's editor answers `getNode` by searching an array, and because most of the picture is not in the DOM.
 */
import type {
  Endpoint,
  NodeCatalogue,
  NodeTypeInfo,
  PortType,
  Workflow,
  WorkflowNode,
} from '@reelgraph/graph';
import { type NodeGeometry, nodeGeometry, type Rect, socketOffset } from '../layout/geometry.ts';
import { type WirePath, wirePath } from '../layout/wire-path.ts';
import { typeOfNode } from '../state/catalogue.ts';
import { edgeKey } from '../state/edits.ts';

export interface SceneNode extends Rect {
  readonly id: string;
  node: WorkflowNode;
  info: NodeTypeInfo;
  geometry: NodeGeometry;
  /** False for a type that the server does not have. */
  known: boolean;
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface SceneWire {
  readonly key: string;
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly source: SceneNode;
  readonly target: SceneNode;
  /** Type of the output, or undefined when the output does not exist. */
  readonly type: PortType | undefined;
  path: WirePath | undefined;
}

export class Scene {
  /** In document order; later ones lie above. */
  nodes = new Map<string, SceneNode>();
  wires = new Map<string, SceneWire>();
  #wiresOf = new Map<string, SceneWire[]>();

  /** Takes over a document. Nodes that stay keep their object. */
  sync(document: Workflow, catalogue: NodeCatalogue): void {
    const nodes = new Map<string, SceneNode>();
    let fallback = 0;
    let below: number | undefined;
    const belowPlaced = (): number => {
      if (below === undefined) {
        below = 0;
        for (const [id, at] of Object.entries(document.layout.nodes)) {
          if (!document.nodes[id]) continue;
          below = Math.max(below, at[1] + nodeGeometry(typeOfNode(catalogue, document, id)).height + 40);
        }
      }
      return below;
    };
    for (const [id, node] of Object.entries(document.nodes)) {
      const info = typeOfNode(catalogue, document, id);
      const geometry = nodeGeometry(info);
      const place = document.layout.nodes[id];
      // A document written by hand may have no places; its nodes stand in a row below the others until tidied.
      const x = place?.[0] ?? fallback * (geometry.width + 40);
      const y = place?.[1] ?? belowPlaced();
      if (!place) fallback++;
      const known = catalogue.has(node.type);
      const before = this.nodes.get(id);
      if (before) {
        Object.assign(before, {
          node,
          info,
          geometry,
          known,
          x,
          y,
          width: geometry.width,
          height: geometry.height,
        });
        nodes.set(id, before);
      } else {
        nodes.set(id, {
          id,
          node,
          info,
          geometry,
          known,
          x,
          y,
          width: geometry.width,
          height: geometry.height,
        });
      }
    }
    this.nodes = nodes;
    this.#syncWires(document);
  }

  #syncWires(document: Workflow): void {
    this.wires = new Map();
    this.#wiresOf = new Map();
    for (const edge of document.edges) {
      const source = this.nodes.get(edge.from[0]);
      const target = this.nodes.get(edge.to[0]);
      if (!source || !target) continue;
      const key = edgeKey(edge);
      const type = source.known ? source.info.outputs[edge.from[1]]?.type : undefined;
      const wire: SceneWire = { key, from: edge.from, to: edge.to, source, target, type, path: undefined };
      this.wires.set(key, wire);
      for (const id of new Set([source.id, target.id])) {
        const list = this.#wiresOf.get(id);
        if (list) list.push(wire);
        else this.#wiresOf.set(id, [wire]);
      }
    }
  }

  wiresOf(id: string): readonly SceneWire[] {
    return this.#wiresOf.get(id) ?? [];
  }

  /** Moves a node in the picture only, as while it is dragged. */
  move(id: string, x: number, y: number): void {
    const node = this.nodes.get(id);
    if (!node || (node.x === x && node.y === y)) return;
    node.x = x;
    node.y = y;
    for (const wire of this.wiresOf(id)) wire.path = undefined;
  }

  path(wire: SceneWire): WirePath {
    wire.path ??= wirePath(
      this.socketAt(wire.source, 'output', wire.from[1]),
      this.socketAt(wire.target, 'input', wire.to[1]),
    );
    return wire.path;
  }

  socketAt(node: SceneNode, side: 'input' | 'output', port: string): { x: number; y: number } {
    const offset = socketOffset(node.geometry, side, port);
    return { x: node.x + offset.x, y: node.y + offset.y };
  }
}
