/** The keyboard: commands by their keys, arrows to walk and to move, copy and paste. */
import { copySelection, deleteSelection, jumpToNode, nudge, pasteText } from '../actions/graph-actions.ts';
import { commands } from './commands.ts';
import type { Editor } from './editor.ts';
import { keyName } from './key-names.ts';
import { neighbourOf } from './walk-graph.ts';

const byKey = new Map(
  commands.flatMap((command) => (command.keys ? [[command.keys, command] as const] : [])),
);
byKey.set('Mod+Y', commands.find((command) => command.id === 'redo')!);

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.matches('input:not([type="checkbox"]), textarea, select'))
  );
}

/** True in anything that takes keys for itself: typing, but also a number that arrows change, or a switch. */
function isInField(element: Element | null): boolean {
  return (
    isTyping(element) ||
    (element !== null &&
      element.closest('.param, .node-place, .rename') !== null &&
      !element.matches('.canvas'))
  );
}

/** Keys that belong to the browser or the field when one types; all other Mod keys are commands everywhere. */
const fieldKeys = new Set(['Mod+Z', 'Mod+Shift+Z', 'Mod+Y', 'Mod+A', 'Mod+D']);

export function listenToKeyboard(editor: Editor): () => void {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.defaultPrevented) return;
    const name = keyName(event);
    if (name === 'Escape') {
      stepBack(editor);
      return;
    }
    const typing = isTyping(event.target);
    const inDialog =
      event.target instanceof HTMLElement && event.target.closest('dialog, [role="dialog"]') !== null;
    const inCanvas =
      event.target === document.body ||
      (event.target instanceof HTMLElement && event.target.closest('.canvas') !== null);
    if (typing && !name.startsWith('Mod')) return;
    // Undo inside a text field is the document's, because the field shows the document.
    if (inDialog && (fieldKeys.has(name) || !name.startsWith('Mod'))) return;
    if (typing && (name === 'Mod+A' || name === 'Mod+D')) return;
    if (inCanvas && !typing && arrow(editor, event)) {
      event.preventDefault();
      return;
    }
    const command = byKey.get(name);
    if (!command) return;
    // Tab moves the focus everywhere but on the canvas itself.
    if (
      name === 'Tab' &&
      !(
        event.target === document.body ||
        (event.target instanceof HTMLElement && event.target.matches('.canvas'))
      )
    )
      return;
    if (
      !inCanvas &&
      !name.startsWith('Mod') &&
      event.target instanceof HTMLElement &&
      event.target.matches('button, a, [role="tab"], [role="option"]') &&
      name === 'Delete'
    )
      return;
    event.preventDefault();
    command.run(editor);
  };

  const onCopy = (event: ClipboardEvent, cut: boolean): void => {
    if (isTyping(event.target) || String(window.getSelection() ?? '') !== '') return;
    const text = copySelection(editor);
    if (text === undefined) return;
    event.clipboardData?.setData('text/plain', text);
    event.preventDefault();
    if (cut) deleteSelection(editor);
  };
  const copy = (event: ClipboardEvent): void => onCopy(event, false);
  const cut = (event: ClipboardEvent): void => onCopy(event, true);
  const paste = (event: ClipboardEvent): void => {
    if (isTyping(event.target)) return;
    if (pasteText(editor, event.clipboardData?.getData('text/plain') ?? '')) event.preventDefault();
  };

  window.addEventListener('keydown', onKeyDown);
  window.addEventListener('copy', copy);
  window.addEventListener('cut', cut);
  window.addEventListener('paste', paste);
  return () => {
    window.removeEventListener('keydown', onKeyDown);
    window.removeEventListener('copy', copy);
    window.removeEventListener('cut', cut);
    window.removeEventListener('paste', paste);
  };
}

/** Back out of the nearest thing: a wire in the hand, an overlay, a field, the selection. */
function stepBack(editor: Editor): void {
  if (editor.view.get()?.cancelWire()) return;
  if (editor.overlay.get()) {
    editor.overlay.set(undefined);
    editor.view.get()?.container.focus({ preventScroll: true });
    return;
  }
  const view = editor.view.get();
  if (isInField(document.activeElement)) {
    view?.container.focus({ preventScroll: true });
    return;
  }
  editor.selection.clear();
  // Arrows are for the canvas again, wherever on the page the focus was.
  view?.container.focus({ preventScroll: true });
}

const directions: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** Arrows walk along wires and between neighbours; with Shift they move the selection. Enter goes into the node. */
function arrow(editor: Editor, event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey) return false;
  const { nodes } = editor.selection.get();
  const view = editor.view.get();
  if (!view) return false;
  if (event.key === 'Enter' && nodes.size === 1) {
    const [id] = nodes;
    const field = view.container.querySelector<HTMLElement>(
      `[data-node-id="${id}"] .param :is(input, textarea, select, [tabindex], button)`,
    );
    field?.focus();
    return field !== null;
  }
  const direction = directions[event.key];
  if (!direction) return false;
  const [dx, dy] = direction;
  if (event.shiftKey) {
    nudge(editor, dx * 8, dy * 8);
    return true;
  }
  const [from] = nodes;
  const next = neighbourOf(view.scene, from, dx, dy);
  if (next !== undefined) {
    jumpIntoSight(editor, next);
    editor.announcement.set(nodeInWords(editor, next));
  }
  return true;
}

/** What a screen reader says of a node that is walked to. */
function nodeInWords(editor: Editor, id: string): string {
  const node = editor.view.get()?.scene.nodes.get(id);
  if (!node) return '';
  const wired = editor.document.get().edges.filter((edge) => edge.to[0] === id).length;
  const problems = editor.check.get().issues.filter((issue) => issue.nodeId === id).length;
  const status = editor.runs.shown.get()?.nodes[id]?.status;
  return [
    node.node.title ?? node.info.title,
    `${wired} of ${node.geometry.inputs.length} inputs connected`,
    ...(node.node.mode ? [node.node.mode] : []),
    ...(status ? [status] : []),
    ...(problems > 0 ? [`${problems} ${problems === 1 ? 'problem' : 'problems'}`] : []),
  ].join(', ');
}

function jumpIntoSight(editor: Editor, id: string): void {
  const view = editor.view.get();
  const node = view?.scene.nodes.get(id);
  if (!view || !node) return;
  const seen = view.port.visible();
  const inside =
    node.x >= seen.x &&
    node.y >= seen.y &&
    node.x + node.width <= seen.x + seen.width &&
    node.y + node.height <= seen.y + seen.height;
  if (inside) editor.selection.only([id]);
  else jumpToNode(editor, id);
}
