import { useState } from 'react';
import { fileStem } from '../actions/file-stem.ts';
import { downloadWorkflow, saveToServer } from '../actions/files.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { useObservable } from '../state/observable.ts';
import { Dialog } from './dialog.tsx';

/** Saves under a name on the server, or as a file. */
export function SaveDialog() {
  const editor = useEditor();
  const document = useObservable(editor.document);
  const workflows = useObservable(editor.workflows);
  const savedAs = useObservable(editor.savedAs);
  const isTemplate = (stem: string): boolean =>
    workflows.some((workflow) => workflow.id === stem && workflow.source === 'template');
  const [name, setName] = useState(
    isTemplate(fileStem(document.name)) ? `My ${document.name.toLowerCase()}` : document.name,
  );
  const id = savedAs !== undefined && fileStem(name) === fileStem(document.name) ? savedAs : fileStem(name);
  const present = workflows.find((workflow) => workflow.id === id);
  const nameless = name.trim() === '';
  const taken = isTemplate(id);
  const save = async (): Promise<void> => {
    if (name !== document.name) {
      editor.document.edit('Rename workflow', (draft) => {
        draft.name = name.slice(0, 200);
      });
    }
    if (await saveToServer(editor, id)) editor.overlay.set(undefined);
  };
  return (
    <Dialog title="Save" className="save">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!taken && !nameless) void save();
        }}
      >
        <label htmlFor="save-name">Name</label>
        <input
          id="save-name"
          value={name}
          maxLength={200}
          onFocus={(event) => event.target.select()}
          onChange={(event) => setName(event.target.value)}
        />
        <p className={taken || nameless ? 'param-problem' : 'param-help'}>
          {nameless
            ? 'A workflow needs a name to be saved under.'
            : taken
              ? `“${id}” is a template that came with Reelgraph and stays as it is. Choose another name.`
              : present && id !== savedAs
                ? `Replaces “${id}”, which is saved already.`
                : `Kept on this server as ${id}.json.`}
        </p>
        <div className="dialog-actions">
          <button type="button" onClick={() => downloadWorkflow(editor)}>
            <Icon name="download" size={14} /> Download JSON
          </button>
          <button type="submit" className="primary" disabled={taken || nameless}>
            <Icon name="save" size={14} /> Save
          </button>
        </div>
      </form>
    </Dialog>
  );
}
