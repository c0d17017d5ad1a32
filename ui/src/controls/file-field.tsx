/** Chooses an input file: press, or drop one on it. What was uploaded is seen at once. */
import { useRef, useState } from 'react';
import { uploadFile } from '../actions/uploads.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from './icon.tsx';
import type { FieldProps } from './param-control.tsx';

export function FileField({ fieldId, info, value, problem, onChange, onDone }: FieldProps<'file'>) {
  const editor = useEditor();
  const input = useRef<HTMLInputElement>(null);
  const [busy, setBusy] = useState(false);
  const [over, setOver] = useState(false);
  const name = String(value);
  const take = async (file: File | undefined): Promise<void> => {
    if (!file) return;
    setBusy(true);
    const uploaded = await uploadFile(editor, file, info.accept);
    setBusy(false);
    if (uploaded === undefined) return;
    onChange(uploaded);
    onDone();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files are dropped on it; the button in it does the same
    <div
      className={`file ${over ? 'over' : ''}`}
      onDragOver={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation();
        setOver(false);
        void take(event.dataTransfer.files[0]);
      }}
    >
      <button
        type="button"
        id={fieldId}
        data-testid={fieldId}
        className={problem ? 'has-problem' : ''}
        title={name ? editor.fileNames.labelOf(name) : undefined}
        onClick={() => input.current?.click()}
      >
        {name && info.accept === 'image' ? (
          <img src={editor.client.fileUrl(name)} alt="" draggable={false} />
        ) : (
          <Icon name="upload" size={16} />
        )}
        <span>
          {busy
            ? 'Uploading …'
            : name
              ? editor.fileNames.labelOf(name)
              : `Choose or drop ${info.accept === 'image' ? 'an image' : `a ${info.accept}`}`}
        </span>
      </button>
      <input
        ref={input}
        type="file"
        hidden
        tabIndex={-1}
        aria-label={info.label}
        data-testid={`${fieldId}-input`}
        accept={info.accept === 'latent' ? '.safetensors' : `${info.accept}/*`}
        onChange={(event) => {
          void take(event.target.files?.[0]);
          event.target.value = '';
        }}
      />
    </div>
  );
}
