/**
 * A window over the editor that keeps the focus inside and gives it back to the canvas when it closes. It opens with
 * the focus on its first control; the button that closes it comes last to mind and is only taken where there is no other.
 */
import { type ReactNode, useEffect, useRef } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';

const firstControl = '.dialog-body > :not(header) :is(input, button, select, textarea, a[href])';

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
    if (dialog && !dialog.open) {
      dialog.showModal();
      dialog.querySelector<HTMLElement>(firstControl)?.focus({ preventScroll: true });
    }
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
