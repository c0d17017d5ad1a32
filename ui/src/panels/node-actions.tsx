/** What can be done with the selected nodes, as buttons. */
import type { WorkflowNode } from '@reelgraph/graph';
import { deleteSelection, duplicateSelection, toggleMode } from '../actions/graph-actions.ts';
import { startRun } from '../actions/running.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';

export function NodeActions({ single, mode }: { single?: string; mode?: WorkflowNode['mode'] }) {
  const editor = useEditor();
  return (
    <div className="node-actions" role="toolbar" aria-label="Actions on the selection">
      {single !== undefined && (
        <button
          type="button"
          title="Run only what this node needs"
          onClick={() => void startRun(editor, [single])}
        >
          <Icon name="play" size={12} /> Run to here
        </button>
      )}
      <button
        type="button"
        aria-pressed={mode === 'muted'}
        onClick={() => toggleMode(editor, 'muted')}
        title="Not run, nor what needs it (M)"
      >
        Mute
      </button>
      <button
        type="button"
        aria-pressed={mode === 'bypassed'}
        onClick={() => toggleMode(editor, 'bypassed')}
        title="Inputs pass to outputs of the same type (B)"
      >
        Bypass
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Duplicate"
        title="Duplicate (Ctrl D)"
        onClick={() => duplicateSelection(editor)}
      >
        <Icon name="copy" size={14} />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Delete"
        title="Delete (Del)"
        onClick={() => deleteSelection(editor)}
      >
        <Icon name="trash" size={14} />
      </button>
    </div>
  );
}
