/** The bar at the top: the workflow's name and its file on the left, running on the right. */
import { useEffect, useState } from 'react';
import { takeFiles } from '../actions/files.ts';
import { cancelCurrent, startRun } from '../actions/running.ts';
import { commandById } from '../app/commands.ts';
import { useEditor } from '../app/editor-context.ts';
import { keyLabel } from '../app/key-names.ts';
import { Icon } from '../controls/icon.tsx';
import { formatDuration } from '../state/durations.ts';
import { useObservable, useSelected } from '../state/observable.ts';
import { nodesDone } from '../state/run-stage.ts';
import { isActive, runsNewestFirst } from '../state/run-store.ts';
import { timeLeftMs } from '../state/time-left.ts';
import { fileInputId } from './file-input-id.ts';
import { ForecastLine } from './forecast-line.tsx';

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

function CommandButton({ id, label, disabled = false }: { id: string; label?: string; disabled?: boolean }) {
  const editor = useEditor();
  const command = commandById(id);
  const keys = command.keys ? ` (${keyLabel(command.keys, isMac)})` : '';
  return (
    <button
      type="button"
      className={label ? 'quiet' : 'icon-button'}
      title={`${command.title}${keys}`}
      aria-label={command.title}
      disabled={disabled}
      data-testid={`command-${id}`}
      onClick={() => command.run(editor)}
    >
      <Icon name={command.icon} size={15} />
      {label}
    </button>
  );
}

export function TopBar() {
  const editor = useEditor();
  return (
    <header className="top-bar">
      <span className="brand" title="Reelgraph">
        <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
          <path d="M7 9c9 0 9 14 18 14" fill="none" stroke="var(--accent)" strokeWidth="3" />
          <circle cx="7" cy="9" r="4.2" fill="var(--port-latent)" />
          <circle cx="25" cy="23" r="4.2" fill="var(--port-video)" />
        </svg>
        <strong>Reelgraph</strong>
      </span>
      <WorkflowName />
      <nav aria-label="Workflow">
        <CommandButton id="new" label="New" />
        <CommandButton id="templates" label="Open" />
        <input
          id={fileInputId}
          type="file"
          hidden
          tabIndex={-1}
          aria-label="Open a file"
          data-testid="open-file"
          accept=".json,application/json,video/mp4,image/*"
          onChange={(event) => {
            void takeFiles(editor, [...(event.target.files ?? [])]);
            event.target.value = '';
          }}
        />
        <CommandButton id="save" label="Save" />
        <CommandButton id="models" label="Models" />
      </nav>
      <nav aria-label="Edit">
        <HistoryButtons />
        <CommandButton id="add" label="Add node" />
      </nav>
      <span className="spring" />
      <ConnectionState />
      <nav aria-label="View">
        <CommandButton id="palette" />
        <CommandButton id="help" />
        <ThemeButton />
        <CommandButton id="inspector" />
      </nav>
      <RunButtons />
    </header>
  );
}

function WorkflowName() {
  const editor = useEditor();
  const name = useSelected(editor.document, (document) => document.name);
  const savedAs = useObservable(editor.savedAs);
  return (
    <input
      className="workflow-name"
      aria-label="Name of the workflow"
      data-testid="workflow-name"
      title={
        savedAs === undefined
          ? 'Not saved on the server yet; your draft is kept in this browser.'
          : `Saved as ${savedAs}`
      }
      value={name}
      maxLength={200}
      onChange={(event) => {
        const next = event.target.value;
        editor.document.edit(
          'Rename workflow',
          (draft) => {
            draft.name = next;
          },
          { mergeKey: 'name' },
        );
      }}
      onBlur={() => editor.document.seal()}
      onKeyDown={(event) => event.key === 'Enter' && event.currentTarget.blur()}
    />
  );
}

function HistoryButtons() {
  const editor = useEditor();
  const { undoLabel, redoLabel } = useObservable(editor.document.history);
  const button = (id: 'undo' | 'redo', label: string | undefined) => {
    const command = commandById(id);
    return (
      <button
        type="button"
        className="icon-button"
        aria-label={command.title}
        title={
          label === undefined
            ? `Nothing to ${id}`
            : `${command.title}: ${label} (${keyLabel(command.keys ?? '', isMac)})`
        }
        disabled={label === undefined}
        data-testid={`command-${id}`}
        onClick={() => command.run(editor)}
      >
        <Icon name={command.icon} size={15} />
      </button>
    );
  };
  return (
    <>
      {button('undo', undoLabel)}
      {button('redo', redoLabel)}
    </>
  );
}

function ThemeButton() {
  const editor = useEditor();
  const theme = useObservable(editor.theme);
  const next = theme === 'dark' ? 'light' : 'dark';
  return (
    <button
      type="button"
      className="icon-button"
      title={`Change to ${next} colours`}
      aria-label={`Change to ${next} colours`}
      data-testid="command-theme"
      onClick={() => editor.theme.set(next)}
    >
      <Icon name={theme === 'dark' ? 'sun' : 'moon'} size={15} />
    </button>
  );
}

function ConnectionState() {
  const { status, detail } = useObservable(useEditor().connection);
  const [shown, setShown] = useState(false);
  // A connection that comes back within a moment is not worth a word.
  useEffect(() => {
    if (status === 'open') {
      setShown(false);
      return undefined;
    }
    const timer = setTimeout(() => setShown(true), 1200);
    return () => clearTimeout(timer);
  }, [status]);
  const text =
    status === 'open'
      ? 'Connected'
      : status === 'refused'
        ? (detail ?? 'The server refused the connection.')
        : 'Reconnecting …';
  return (
    <span
      className={`connection ${status}`}
      role="status"
      title={text}
      data-testid="connection"
      data-status={status}
    >
      <span className="dot" />
      {shown ? text : <span className="visually-hidden">{text}</span>}
    </span>
  );
}

function RunButtons() {
  const editor = useEditor();
  const runs = useObservable(editor.runs.runs);
  const starting = useObservable(editor.starting);
  const errors = useSelected(
    editor.check,
    (check) => check.issues.filter((issue) => issue.severity === 'error').length,
  );
  const isEmpty = useSelected(editor.document, (document) => Object.keys(document.nodes).length === 0);
  const active = [...runs.values()].filter(isActive);
  const cancelling = useObservable(editor.cancelling);
  const running = active.find((run) => run.status === 'running');
  // What the button cancels; those that wait are cancelled in their list.
  const current = running ?? runsNewestFirst(new Map(active.map((run) => [run.runId, run]))).at(-1);
  const stopping = current !== undefined && cancelling.has(current.runId);
  const expected = running === undefined ? undefined : editor.expected.get(running.runId);
  const leftMs = running && expected ? timeLeftMs(running, expected) : undefined;
  return (
    <div className="run-buttons">
      {errors > 0 && (
        <button
          type="button"
          className="quiet problem-count"
          title="Show the problems"
          data-testid="problem-count"
          onClick={() => editor.panel.set({ open: true, tab: 'problems' })}
        >
          <Icon name="alert" size={14} /> {errors}
        </button>
      )}
      {active.length > 0 && (
        <>
          <button
            type="button"
            className="quiet queue-state"
            title="Show the queue"
            onClick={() => editor.panel.set({ open: true, tab: 'runs' })}
          >
            {running ? nodesDone(running) : 'queued'}
            {leftMs === undefined ? '' : ` · ${leftMs < 1000 ? '< 1 s' : formatDuration(leftMs)} left`}
            {active.length > 1 ? ` · ${active.length - 1} waiting` : ''}
          </button>
          <button
            type="button"
            className="quiet stop"
            data-testid="cancel"
            disabled={stopping}
            title={
              active.length > 1
                ? `Cancel the run that works now (${keyLabel('Mod+.', isMac)}); the others are under Runs`
                : `Cancel the run (${keyLabel('Mod+.', isMac)})`
            }
            onClick={() => void cancelCurrent(editor)}
          >
            <Icon name="stop" size={13} /> {stopping ? 'Cancelling …' : 'Cancel'}
          </button>
        </>
      )}
      <ForecastLine />
      <button
        type="button"
        className="primary run"
        data-testid="run"
        disabled={starting || isEmpty}
        title={`Run this workflow (${keyLabel('Mod+Enter', isMac)})`}
        onClick={() => void startRun(editor)}
      >
        <Icon name="play" size={13} /> Run
      </button>
    </div>
  );
}
