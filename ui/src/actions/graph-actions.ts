/** What the keyboard, the menus and the palette do with the selection. Each is one step of undo. */
import { canConnect, type Endpoint, freshNodeId, type NodeTypeInfo, type Workflow } from '@reelgraph/graph';
import type { Editor } from '../app/editor.ts';
import { nodeGeometry, overlaps } from '../layout/geometry.ts';
import { layeredLayout } from '../layout/layered-layout.ts';
import type { HeldWire } from '../rete/typed-flow.ts';
import { typeOfNode } from '../state/catalogue.ts';
import { clipboardText, fragmentFromClipboard } from '../state/clipboard.ts';
import * as edits from '../state/edits.ts';

/** Px a copy lies below and right of its original. */
const copyShift = 32;

/** Adds a node of a type and, when it comes from a wire, connects it with the first port that fits. */
export function addNodeOfType(
  editor: Editor,
  info: NodeTypeInfo,
  at: edits.Point,
  options: { held?: HeldWire; params?: Readonly<Record<string, string>> } = {},
): string {
  const document = editor.document.get();
  const id = freshNodeId(info.type, (candidate) => document.nodes[candidate] !== undefined);
  const node = edits.nodeOfType(info);
  // Dropped wires start beside the new node's socket, not at its corner.
  const geometry = nodeGeometry(info);
  const place: edits.Point =
    options.held === undefined
      ? at
      : [options.held.side === 'output' ? at[0] : at[0] - geometry.width, at[1] - 46];
  const free = freePlace(editor, place, geometry);
  editor.document.edit(`Add ${info.title}`, (draft) => {
    edits.addNode(draft, id, { ...node, params: { ...node.params, ...options.params } }, free);
    if (!options.held) return;
    const { held } = options;
    const ports = Object.keys(held.side === 'output' ? info.inputs : info.outputs);
    for (const port of ports) {
      const [from, to]: [Endpoint, Endpoint] =
        held.side === 'output' ? [held.end, [id, port]] : [[id, port], held.end];
      if (
        !canConnect(
          { ...document, nodes: { ...document.nodes, [id]: node } },
          editor.catalogue.get(),
          from,
          to,
        ).ok
      )
        continue;
      edits.connect(draft, from, to);
      break;
    }
  });
  editor.selection.only([id]);
  return id;
}

/** Px between a new node and one that it would have covered. */
const clearance = 24;

/** The place, or the next below it where the node covers no other. */
export function freePlace(
  editor: Editor,
  [x, y]: edits.Point,
  size: { readonly width: number; readonly height: number },
): edits.Point {
  const nodes = [...(editor.view.get()?.scene.nodes.values() ?? [])].sort((a, b) => a.y - b.y);
  let top = y;
  for (const node of nodes) {
    if (overlaps({ x, y: top, width: size.width, height: size.height }, node))
      top = node.y + node.height + clearance;
  }
  return [x, top];
}

export function deleteSelection(editor: Editor): void {
  const { nodes, wire } = editor.selection.get();
  if (wire !== undefined) {
    const edge = editor.document.get().edges.find((candidate) => edits.edgeKey(candidate) === wire);
    if (!edge) return;
    editor.document.edit('Disconnect', (draft) => {
      edits.disconnect(draft, edge);
    });
  } else if (nodes.size > 0) {
    editor.document.edit(nodes.size === 1 ? 'Delete node' : `Delete ${nodes.size} nodes`, (draft) => {
      edits.removeNodes(draft, nodes);
    });
  }
}

export function duplicateSelection(editor: Editor): void {
  const document = editor.document.get();
  const fragment = edits.fragmentOf(document, editor.selection.get().nodes);
  const places = Object.values(fragment.positions);
  if (places.length === 0) return;
  const at: edits.Point = [
    Math.min(...places.map((place) => place[0])) + copyShift,
    Math.min(...places.map((place) => place[1])) + copyShift,
  ];
  insertFragment(
    editor,
    fragment,
    at,
    places.length === 1 ? 'Duplicate node' : `Duplicate ${places.length} nodes`,
  );
}

export function insertFragment(
  editor: Editor,
  fragment: edits.GraphFragment,
  at: edits.Point,
  label: string,
): void {
  let ids: string[] = [];
  editor.document.edit(label, (draft) => {
    ids = edits.pasteFragment(draft, fragment, at);
  });
  editor.selection.only(ids);
}

/** The selected nodes as text for the clipboard, or undefined when nothing is selected. */
export function copySelection(editor: Editor): string | undefined {
  const { nodes } = editor.selection.get();
  return nodes.size === 0 ? undefined : clipboardText(editor.document.get(), nodes);
}

/** Inserts the nodes of a clipboard text at the pointer; false when the text holds none. */
export function pasteText(editor: Editor, text: string): boolean {
  const fragment = fragmentFromClipboard(text);
  if (!fragment) return false;
  const count = Object.keys(fragment.nodes).length;
  const at = editor.view.get()?.pointerInGraph() ?? [0, 0];
  insertFragment(editor, fragment, at, count === 1 ? 'Paste node' : `Paste ${count} nodes`);
  return true;
}

export function selectAll(editor: Editor): void {
  editor.selection.only(Object.keys(editor.document.get().nodes));
}

export function toggleMode(editor: Editor, mode: 'muted' | 'bypassed'): void {
  const { nodes } = editor.selection.get();
  if (nodes.size === 0) return;
  editor.document.edit(mode === 'muted' ? 'Mute' : 'Bypass', (draft) => {
    edits.toggleMode(draft, nodes, mode);
  });
}

/** Places of all nodes in tidy columns. */
export function tidyPlaces(editor: Editor, document: Workflow): Map<string, [number, number]> {
  const catalogue = editor.catalogue.get();
  const nodes = Object.keys(document.nodes).map((id) => {
    const { width, height } = nodeGeometry(typeOfNode(catalogue, document, id));
    return { id, width, height };
  });
  return layeredLayout(
    nodes,
    document.edges.map((edge) => ({ from: edge.from[0], to: edge.to[0] })),
  );
}

/** Tidies the selected nodes, or all when fewer than two are selected; a part stays where its corner was. */
export function tidy(editor: Editor): void {
  const document = editor.document.get();
  const selected = editor.selection.get().nodes;
  if (selected.size < 2) {
    const places = tidyPlaces(editor, document);
    editor.document.edit('Tidy', (draft) => {
      edits.moveNodes(draft, places);
    });
    editor.view.get()?.frame();
    return;
  }
  const part = {
    ...document,
    nodes: Object.fromEntries(Object.entries(document.nodes).filter(([id]) => selected.has(id))),
  };
  part.edges = document.edges.filter((edge) => selected.has(edge.from[0]) && selected.has(edge.to[0]));
  const corners = [...selected].map((id) => document.layout.nodes[id] ?? [0, 0]);
  const left = Math.min(...corners.map((corner) => corner[0] ?? 0));
  const top = Math.min(...corners.map((corner) => corner[1] ?? 0));
  const places = new Map(
    [...tidyPlaces(editor, part)].map(([id, [x, y]]) => [id, [x + left, y + top] as const]),
  );
  editor.document.edit('Tidy selection', (draft) => {
    edits.moveNodes(draft, places);
  });
}

/** Moves the selection by the arrow keys; a run of presses is one step of undo. */
export function nudge(editor: Editor, dx: number, dy: number): void {
  const { nodes } = editor.selection.get();
  if (nodes.size === 0) return;
  const { layout } = editor.document.get();
  const places = new Map(
    [...nodes].map((id) => [
      id,
      [(layout.nodes[id]?.[0] ?? 0) + dx, (layout.nodes[id]?.[1] ?? 0) + dy] as const,
    ]),
  );
  editor.document.edit(
    'Move',
    (draft) => {
      edits.moveNodes(draft, places);
    },
    { mergeKey: `nudge ${[...nodes].join(' ')}` },
  );
}

/** Selects a node and brings it into sight. */
export function jumpToNode(editor: Editor, id: string): void {
  if (!editor.document.get().nodes[id]) return;
  editor.selection.only([id]);
  editor.view.get()?.reveal(id);
}
