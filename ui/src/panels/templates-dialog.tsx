import { useState } from 'react';
import { openDraft, openFromServer } from '../actions/files.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { formatAgo } from '../state/durations.ts';
import { useObservable } from '../state/observable.ts';
import { Dialog } from './dialog.tsx';
import { fileInputId } from './file-input-id.ts';

/** Everything that can be opened: saved workflows, templates, drafts of other windows, files. */
export function TemplatesDialog() {
  const editor = useEditor();
  const workflows = useObservable(editor.workflows);
  const groups = [
    { title: 'Saved', list: workflows.filter((workflow) => workflow.source === 'saved') },
    { title: 'Templates', list: workflows.filter((workflow) => workflow.source === 'template') },
  ];
  return (
    <Dialog title="Open" className="templates">
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
      <OtherDrafts />
      {workflows.length === 0 && <p className="nothing">The server lists no workflows.</p>}
      <section className="from-file">
        <h3>From a file</h3>
        <button
          type="button"
          onClick={() => {
            editor.overlay.set(undefined);
            document.getElementById(fileInputId)?.click();
          }}
        >
          <Icon name="folder" size={14} /> From file …
        </button>
        <p className="param-help">
          Reelgraph JSON, a video made by Reelgraph, or a picture to work with. All can be dropped on the
          canvas, too.
        </p>
      </section>
    </Dialog>
  );
}

/** Unsaved work of other windows. A copy is opened; what is kept stays until it is deleted here. */
function OtherDrafts() {
  const editor = useEditor();
  const [others, setOthers] = useState(() => editor.drafts.others());
  if (others.length === 0) return null;
  return (
    <section>
      <h3>Drafts of other windows</h3>
      <ul>
        {others.map(({ id, draft }) => (
          <li key={id} className="kept-draft">
            <button
              type="button"
              data-testid="other-draft"
              onClick={() => {
                editor.overlay.set(undefined);
                openDraft(editor, id);
              }}
            >
              <Icon name="file" size={18} />
              <strong>{draft.workflow.name || 'Untitled'}</strong>
              <span>
                {draft.isClosed ? 'Window closed' : 'Window may be open'} ·{' '}
                {formatAgo(draft.keptAtMs, Date.now())}
              </span>
            </button>
            <button
              type="button"
              className="icon-button"
              title="Delete this draft"
              aria-label={`Delete the draft of ${draft.workflow.name || 'Untitled'}`}
              onClick={() => {
                editor.drafts.discard(id);
                setOthers(editor.drafts.others());
              }}
            >
              <Icon name="trash" size={13} />
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
