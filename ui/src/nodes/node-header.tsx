/** Title, status and progress of a node. */
import type { NodeRunState, NodeTypeInfo, WorkflowNode } from '@reelgraph/graph';
import { useState } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { continuedText, formatDuration, formatProgress, progressFraction } from '../state/durations.ts';
import { setTitle } from '../state/edits.ts';
import { useSelected } from '../state/observable.ts';
import { whyItRan } from '../state/why-it-ran.ts';

interface NodeHeaderProps {
  readonly id: string;
  readonly info: NodeTypeInfo;
  readonly node: WorkflowNode;
  readonly run: NodeRunState | undefined;
}

export function NodeHeader({ id, info, node, run }: NodeHeaderProps) {
  const editor = useEditor();
  const [renaming, setRenaming] = useState(false);
  const spared = useSelected(editor.spared, (nodes) => nodes.has(id));
  const stale = useSelected(editor.stale, (nodes) => nodes.has(id));
  // A run that waits for its turn has told of no node yet.
  const queued = useSelected(editor.runs.shown, (shown) => shown?.status === 'queued');
  const title = node.title ?? info.title;
  const rename = (text: string): void => {
    setRenaming(false);
    editor.document.edit('Rename node', (draft) => {
      setTitle(draft, id, text === info.title ? '' : text);
    });
  };
  return (
    <header className="node-header" title={`${info.title} — ${info.description}`}>
      <span className="hue" aria-hidden="true" />
      {renaming ? (
        <input
          className="rename"
          aria-label="Title of the node"
          defaultValue={title}
          maxLength={200}
          // biome-ignore lint/a11y/noAutofocus: the person just asked to type here
          autoFocus
          onFocus={(event) => event.target.select()}
          onPointerDown={(event) => event.stopPropagation()}
          onBlur={(event) => rename(event.target.value)}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === 'Enter') event.currentTarget.blur();
            if (event.key === 'Escape') setRenaming(false);
          }}
        />
      ) : (
        <h3
          onDoubleClick={(event) => {
            event.stopPropagation();
            setRenaming(true);
          }}
        >
          {title}
        </h3>
      )}
      {node.mode && <span className="badge mode">{node.mode}</span>}
      {stale && (run?.status === 'finished' || run?.status === 'cached') ? (
        <span className="badge stale" title="Changed since this run; the next run computes it anew.">
          changed
        </span>
      ) : spared ? (
        <span className="badge" title="Not needed: what it leads to was in the cache.">
          not needed
        </span>
      ) : queued ? (
        <span className="badge" title="The run waits for the one before it">
          queued
        </span>
      ) : (
        <RunBadge run={run} info={info} />
      )}
      {run?.status === 'running' && <ProgressBar run={run} />}
    </header>
  );
}

function ProgressBar({ run }: { run: NodeRunState }) {
  const fraction = progressFraction(run);
  return (
    <span
      className={`progress ${fraction === undefined ? 'unknown' : ''}`}
      role="progressbar"
      aria-label="Progress of this node"
      aria-valuemin={0}
      aria-valuemax={100}
      {...(fraction === undefined ? {} : { 'aria-valuenow': Math.round(fraction * 100) })}
    >
      <span style={{ transform: `scaleX(${fraction ?? 1})` }} />
    </span>
  );
}

function RunBadge({ run, info }: { run: NodeRunState | undefined; info: NodeTypeInfo }) {
  switch (run?.status) {
    case 'waiting':
      if (run.message !== undefined) {
        return (
          <span
            className="badge"
            title="Another run is computing the same; its result is taken when it is there."
          >
            {run.message}
          </span>
        );
      }
      return <span className="badge waiting" title="Waits for its turn" role="img" aria-label="waiting" />;
    case 'running':
      return (
        <span className="badge progress-text" title={continuedText(run)}>
          {formatProgress(run) || 'running'}
        </span>
      );
    case 'cached':
      return (
        <span
          className="badge cached"
          title={`Taken from the cache (${run.source === 'disk' ? 'on disk' : 'in memory'}); nothing it depends on changed.`}
        >
          <Icon name="bolt" size={11} /> cached · {run.source === 'disk' ? 'disk' : 'memory'}
        </span>
      );
    case 'finished':
      return (
        <span
          className="badge time"
          title={[
            run.because ? `Ran ${whyItRan(run.because, info)}.` : 'Time it took in the last run.',
            continuedText(run) ?? '',
          ]
            .join(' ')
            .trim()}
        >
          {run.durationMs === undefined ? 'done' : formatDuration(run.durationMs)}
        </span>
      );
    case 'failed':
      return (
        <span className="badge failed" title={run.because && `Ran ${whyItRan(run.because, info)}.`}>
          failed
        </span>
      );
    case 'skipped':
      return (
        <span className="badge skipped" title={run.message ?? 'Something it needs did not run.'}>
          not run
        </span>
      );
    default:
      return null;
  }
}
