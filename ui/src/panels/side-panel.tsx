/** The panel at the right: one tab at a time. */
import type { KeyboardEvent } from 'react';
import type { PanelTab } from '../app/editor.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { useObservable, useSelected } from '../state/observable.ts';
import { InspectorPanel } from './inspector-panel.tsx';
import { OutlinePanel } from './outline-panel.tsx';
import { ProblemsPanel } from './problems-panel.tsx';
import { ResultsPanel } from './results-panel.tsx';
import { RunsPanel } from './runs-panel.tsx';

const tabs: readonly { id: PanelTab; label: string }[] = [
  { id: 'inspector', label: 'Inspector' },
  { id: 'outline', label: 'Outline' },
  { id: 'results', label: 'Results' },
  { id: 'runs', label: 'Runs' },
  { id: 'problems', label: 'Problems' },
];

export function SidePanel() {
  const editor = useEditor();
  const { tab } = useObservable(editor.panel);
  const problems = useSelected(editor.check, (check) => check.issues.length);
  const hasErrors = useSelected(editor.check, (check) =>
    check.issues.some((issue) => issue.severity === 'error'),
  );
  const active = useSelected(
    editor.queue,
    ({ waitingCount, runningId }) => waitingCount + (runningId === null ? 0 : 1),
  );
  const counts: Partial<Record<PanelTab, number>> = { problems, runs: active };
  const onKeyDown = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const next = tabs[(tabs.findIndex((entry) => entry.id === tab) + by + tabs.length) % tabs.length];
    if (!next) return;
    editor.panel.set({ open: true, tab: next.id });
    document.getElementById(`tab-${next.id}`)?.focus();
  };
  return (
    <aside className="side-panel" aria-label="Panel">
      <div className="tabs" role="tablist" aria-label="Panels">
        {tabs.map(({ id, label }) => (
          <button
            key={id}
            id={`tab-${id}`}
            type="button"
            role="tab"
            aria-selected={tab === id}
            aria-controls="panel-body"
            tabIndex={tab === id ? 0 : -1}
            data-testid={`tab-${id}`}
            onKeyDown={onKeyDown}
            onClick={() => editor.panel.set({ open: true, tab: id })}
          >
            {label}
            {(counts[id] ?? 0) > 0 && (
              <span className={`count ${id} ${id === 'problems' && !hasErrors ? 'calm' : ''}`}>
                {counts[id]}
              </span>
            )}
          </button>
        ))}
        <button
          type="button"
          className="icon-button"
          aria-label="Close the panel"
          onClick={() => editor.panel.set({ open: false, tab })}
        >
          <Icon name="close" size={13} />
        </button>
      </div>
      <div id="panel-body" className="panel-body" role="tabpanel" aria-labelledby={`tab-${tab}`} data-scrolls>
        {tab === 'inspector' && <InspectorPanel />}
        {tab === 'outline' && <OutlinePanel />}
        {tab === 'results' && <ResultsPanel />}
        {tab === 'runs' && <RunsPanel />}
        {tab === 'problems' && <ProblemsPanel />}
      </div>
    </aside>
  );
}
