/** A contact sheet of what the runs made, newest first. */
import { openRun } from '../actions/running.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { useObservable } from '../state/observable.ts';
import { resultsOf, runsNewestFirst } from '../state/run-store.ts';

export function ResultsPanel() {
  const editor = useEditor();
  const results = resultsOf(runsNewestFirst(useObservable(editor.runs.runs)));
  if (results.length === 0)
    return <p className="nothing">No results yet. What your runs make is collected here.</p>;
  return (
    <ul className="results">
      {results.map(({ run, nodeId, file }, index) => {
        const url = editor.client.resultUrl(file.digest);
        return (
          <li key={file.digest} data-testid="result">
            {file.mediaType.startsWith('video/') ? (
              <video
                src={url}
                muted
                loop
                playsInline
                preload="metadata"
                controls={index === 0}
                // The newest plays; the others when they are pointed at.
                autoPlay={index === 0}
                aria-label={`${file.name} from ${run.workflowName}`}
                onPointerEnter={(event) => void event.currentTarget.play().catch(() => undefined)}
                onPointerLeave={(event) => index > 0 && event.currentTarget.pause()}
              />
            ) : (
              <img src={url} alt={`${file.name} from ${run.workflowName}`} loading="lazy" />
            )}
            <div className="result-bar">
              <span title={`${run.workflowName}, node ${nodeId}`}>{file.name}</span>
              <button
                type="button"
                className="icon-button"
                title="Open its workflow"
                aria-label={`Open the workflow of ${file.name}`}
                onClick={() => void openRun(editor, run.runId)}
              >
                <Icon name="templates" size={13} />
              </button>
              <a
                className="icon-button"
                href={editor.client.resultUrl(file.digest, { download: file.name })}
                download={file.name}
                title="Download"
                aria-label={`Download ${file.name}`}
              >
                <Icon name="download" size={13} />
              </a>
            </div>
          </li>
        );
      })}
    </ul>
  );
}
