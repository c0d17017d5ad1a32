import { commands } from '../app/commands.ts';
import { keyLabel } from '../app/key-names.ts';
import { Dialog } from './dialog.tsx';

const gestures: readonly (readonly [string, string])[] = [
  ['Wheel', 'Zoom'],
  ['Middle button or Space + drag', 'Pan'],
  ['Drag on bare canvas', 'Select by rectangle'],
  ['Double-click or right-click on bare canvas', 'Add a node'],
  ['Drag from a socket', 'Wire; drop it on bare canvas for nodes that fit'],
  ['Inputs in the inspector (I)', 'Make and cut wires without a mouse'],
  ['Drag off an input', 'Take the wire off'],
  ['Alt + click on a wire', 'Cut it'],
  ['Shift + click', 'Add to or take from the selection'],
  ['Arrow keys', 'Walk between nodes; with Shift, move them'],
  ['Enter', 'Edit the selected node'],
  ['Ctrl C, X, V', 'Copy, cut, paste'],
];

/** All keys and gestures on one page. */
export function HelpDialog() {
  const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
  const keyed = commands.filter((command) => command.keys);
  return (
    <Dialog title="Keys and gestures" className="help">
      <div className="help-columns">
        <dl>
          {keyed.map((command) => (
            <div key={command.id}>
              <dt>
                <kbd>{keyLabel(command.keys ?? '', isMac)}</kbd>
              </dt>
              <dd>{command.title}</dd>
            </div>
          ))}
        </dl>
        <dl>
          {gestures.map(([gesture, what]) => (
            <div key={gesture}>
              <dt>{gesture}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
      </div>
    </Dialog>
  );
}
