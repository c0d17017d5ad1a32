import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { useObservable } from '../state/observable.ts';

/** Short messages in the corner of the canvas. */
export function Notices() {
  const { notices } = useEditor();
  const list = useObservable(notices);
  return (
    <ol className="notices" aria-label="Messages">
      {list.map((notice) => (
        <li
          key={notice.id}
          className={notice.tone}
          role={notice.tone === 'bad' ? 'alert' : 'status'}
          data-testid="notice"
        >
          <div>
            <p>{notice.text}</p>
            {notice.hint && <small>{notice.hint}</small>}
          </div>
          {notice.action && (
            <button type="button" onClick={notice.action.run}>
              {notice.action.label}
            </button>
          )}
          <button
            type="button"
            className="icon-button"
            aria-label="Close this message"
            onClick={() => notices.remove(notice.id)}
          >
            <Icon name="close" size={12} />
          </button>
        </li>
      ))}
    </ol>
  );
}
