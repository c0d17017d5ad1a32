import { openFromServer } from '../actions/files.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { useObservable } from '../state/observable.ts';
import { Dialog } from './dialog.tsx';

/** The workflows that came with the server, and those that were saved there. */
export function TemplatesDialog() {
  const editor = useEditor();
  const workflows = useObservable(editor.workflows);
  const groups = [
    { title: 'Templates', list: workflows.filter((workflow) => workflow.source === 'template') },
    { title: 'Saved here', list: workflows.filter((workflow) => workflow.source === 'saved') },
  ];
  return (
    <Dialog title="Open a workflow" className="templates">
      {groups.map(({ title, list }) =>
        list.length === 0 ? null : (
          <section key={title}>
            <h3>{title}</h3>
            <ul>
              {list.map((workflow) => (
                <li key={workflow.id}>
                  <button
                    type="button"
                    data-testid={`workflow-${workflow.id}`}
                    onClick={() => {
                      editor.overlay.set(undefined);
                      void openFromServer(editor, workflow.id);
                    }}
                  >
                    <Icon name={workflow.source === 'template' ? 'templates' : 'file'} size={18} />
                    <strong>{workflow.name}</strong>
                    <span>{workflow.description || workflow.id}</span>
                  </button>
                </li>
              ))}
            </ul>
          </section>
        ),
      )}
      {workflows.length === 0 && <p className="nothing">The server lists no workflows.</p>}
    </Dialog>
  );
}
