/** How the canvas looks now, gathered from everything that colours it. */
import type { CheckAnswer } from '@reelgraph/protocol';
import type { Editor } from '../app/editor.ts';
import { factsLabel } from '../state/facts-label.ts';
import { noNodes } from '../state/run-store.ts';
import type { NodeLook } from './paint-nodes.ts';
import type { WireLook } from './paint-wires.ts';

export function wireLook(
  editor: Editor,
  zoom: number,
  hoveredWire: string | undefined,
  left: ReadonlySet<string>,
): WireLook {
  const spared = editor.spared.get();
  const broken = new Set<string>();
  for (const [id, node] of Object.entries(editor.runs.shown.get()?.nodes ?? noNodes)) {
    if (node.status === 'failed' || (node.status === 'skipped' && !spared.has(id))) broken.add(id);
  }
  const { nodes, wire } = editor.selection.get();
  return {
    theme: editor.theme.get(),
    zoom,
    selectedNodes: nodes,
    selectedWire: wire,
    hoveredWire,
    left,
    broken,
    facts: factTexts(editor.check.get()),
  };
}

export function nodeLook(editor: Editor, zoom: number, mounted: ReadonlyMap<string, unknown>): NodeLook {
  const withErrors = editor.check
    .get()
    .issues.flatMap((issue) => (issue.severity === 'error' ? (issue.nodeId ?? []) : []));
  return {
    theme: editor.theme.get(),
    zoom,
    selected: editor.selection.get().nodes,
    mounted,
    runNodes: editor.runs.shown.get()?.nodes ?? noNodes,
    withErrors: new Set(withErrors),
  };
}

const texts = new WeakMap<CheckAnswer, Map<string, string>>();

/** By `nodeId port` of an output: what is written on its wire. */
function factTexts(check: CheckAnswer): ReadonlyMap<string, string> {
  let map = texts.get(check);
  if (!map) {
    map = new Map();
    for (const [id, ports] of Object.entries(check.facts)) {
      for (const [port, facts] of Object.entries(ports)) {
        const text = factsLabel(facts);
        if (text !== '') map.set(`${id} ${port}`, text);
      }
    }
    texts.set(check, map);
  }
  return map;
}
