/** A contact sheet of what the runs made, newest first. */
import { useState } from 'react';
import { openRun } from '../actions/running.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { Poster } from '../nodes/poster.tsx';
import { useObservable } from '../state/observable.ts';
import { prefersReducedMotion } from '../state/reduced-motion.ts';
import { type ResultItem, resultsOf, runsByEnd } from '../state/run-store.ts';
import { useRunLabel } from './use-run-label.ts';

export function ResultsPanel() {
  const editor = useEditor();
  const results = resultsOf(runsByEnd(useObservable(editor.runs.runs)));
  if (results.length === 0)
    return <p className="nothing">No results yet. What your runs make is collected here.</p>;
  return (
    <ul className="results">
      {results.map((item, index) => (
        <Result key={item.file.digest} item={item} isNewest={index === 0} />
      ))}
    </ul>
  );
}

function Result({ item, isNewest }: { readonly item: ResultItem; readonly isNewest: boolean }) {
  const editor = useEditor();
  const { run, nodeId, file } = item;
  const label = useRunLabel(run.runId);
  const seeds = label?.seeds(nodeId);
  const what = label?.text ?? run.workflowName;
  const url = editor.client.resultUrl(file.digest);
  return (
    <li data-testid="result">
      {file.mediaType.startsWith('video/') ? (
        <Clip url={url} label={`${file.name} from ${run.workflowName}`} isNewest={isNewest} />
      ) : (
        <img src={url} alt={`${file.name} from ${run.workflowName}`} loading="lazy" />
      )}
      <div className="result-bar">
        <span title={`${what}\n${file.name} from ${run.workflowName}, node ${nodeId}`}>
          {what}
          {seeds !== undefined && <small>{seeds}</small>}
        </span>
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
}

/** The newest plays; the others are stills that play while they are pointed at or have the focus. */
function Clip({
  url,
  label,
  isNewest,
}: {
  readonly url: string;
  readonly label: string;
  readonly isNewest: boolean;
}) {
  const [playing, setPlaying] = useState(false);
  if ((isNewest && !prefersReducedMotion()) || playing) {
    return (
      <video
        src={url}
        muted
        loop
        autoPlay
        playsInline
        controls={isNewest}
        aria-label={label}
        onPointerLeave={() => setPlaying(false)}
      />
    );
  }
  return (
    <button
      type="button"
      className="clip"
      aria-label={`Play ${label}`}
      onPointerEnter={() => !prefersReducedMotion() && setPlaying(true)}
      onClick={() => setPlaying(true)}
    >
      <Poster url={url}>
        <Icon name="play" size={16} />
      </Poster>
    </button>
  );
}
