import { AddMenu } from '../panels/add-menu.tsx';
import { CommandPalette } from '../panels/command-palette.tsx';
import { HelpDialog } from '../panels/help-dialog.tsx';
import { ModelsDialog } from '../panels/models-dialog.tsx';
import { Notices } from '../panels/notices.tsx';
import { SaveDialog } from '../panels/save-dialog.tsx';
import { SidePanel } from '../panels/side-panel.tsx';
import { TemplatesDialog } from '../panels/templates-dialog.tsx';
import { TopBar } from '../panels/top-bar.tsx';
import { useObservable } from '../state/observable.ts';
import { Canvas } from './canvas.tsx';
import type { Editor } from './editor.ts';
import { EditorContext } from './editor-context.ts';
import { ErrorBoundary } from './error-boundary.tsx';

/** The whole page. */
export function App({ editor }: { editor: Editor }) {
  const overlay = useObservable(editor.overlay);
  const panel = useObservable(editor.panel);
  const announcement = useObservable(editor.announcement);
  return (
    <EditorContext value={editor}>
      <ErrorBoundary fallback={<Broken />}>
        <div className={`shell ${panel.open ? 'with-panel' : ''}`}>
          <TopBar />
          <main>
            <Canvas />
            <Notices />
          </main>
          {panel.open && <SidePanel />}
        </div>
        {overlay?.kind === 'add' && <AddMenu key={`${overlay.at}`} overlay={overlay} />}
        {overlay?.kind === 'palette' && <CommandPalette />}
        {overlay?.kind === 'templates' && <TemplatesDialog />}
        {overlay?.kind === 'models' && <ModelsDialog />}
        {overlay?.kind === 'save' && <SaveDialog />}
        {overlay?.kind === 'help' && <HelpDialog />}
        <div className="visually-hidden" role="status" aria-live="polite" data-testid="announcement">
          {announcement}
        </div>
      </ErrorBoundary>
    </EditorContext>
  );
}

function Broken() {
  return (
    <div className="broken" role="alert">
      <h2>The editor met a fault of its own.</h2>
      <p>
        Your workflow is kept in this browser. Reload the page to go on; runs on the server are not affected.
      </p>
      <button type="button" className="primary" onClick={() => window.location.reload()}>
        Reload
      </button>
    </div>
  );
}
