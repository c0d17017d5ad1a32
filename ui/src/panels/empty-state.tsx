import { openFromServer } from '../actions/files.ts';
import { openAddMenu } from '../app/commands.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { useObservable } from '../state/observable.ts';

/** What an empty canvas says: how to begin, without a dialog in the way. */
export function EmptyState() {
  const editor = useEditor();
  const templates = useObservable(editor.workflows).filter((workflow) => workflow.source === 'template');
  return (
    <div className="empty-state over-canvas" data-testid="empty-state">
      <h2>Start a workflow</h2>
      {templates.length > 0 && (
        <ul>
          {templates.slice(0, 3).map((template) => (
            <li key={template.id}>
              <button type="button" onClick={() => void openFromServer(editor, template.id)}>
                <Icon name="templates" size={18} />
                <strong>{template.name}</strong>
                <span>{template.description}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <p>
        Press <kbd>Tab</kbd> to{' '}
        <button type="button" className="link" onClick={() => openAddMenu(editor)}>
          add a node
        </button>
        , or drop a workflow, a video made by Reelgraph or an image here.
      </p>
    </div>
  );
}
