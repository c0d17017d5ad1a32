/** A window over the editor that keeps the focus inside and gives it back to the canvas when it closes. */
import { type ReactNode, useEffect, useRef } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';

interface DialogProps {
  readonly title: string;
  readonly className?: string;
  readonly children: ReactNode;
}

export function Dialog({ title, className = '', children }: DialogProps) {
  const editor = useEditor();
  const element = useRef<HTMLDialogElement>(null);
  const close = (): void => {
    editor.overlay.set(undefined);
    editor.view.get()?.container.focus({ preventScroll: true });
  };
  useEffect(() => {
    const dialog = element.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it too, through `cancel`
    <dialog
      ref={element}
      className={`dialog ${className}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        close();
      }}
      onClick={(event) => {
        if (event.target === element.current) close();
      }}
    >
      <div className="dialog-body">
        <header>
          <h2>{title}</h2>
          <button type="button" className="icon-button" aria-label="Close" onClick={close}>
            <Icon name="close" size={14} />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
