/** The canvas element with everything that lies on it: nodes through portals, empty state, corner tools, minimap. */
import { memo, useEffect, useRef, useState } from 'react';
import { createPortal } from 'react-dom';
import { takeFiles } from '../actions/files.ts';
import { NodeView } from '../nodes/node-view.tsx';
import { CanvasTools } from '../panels/canvas-tools.tsx';
import { EmptyState } from '../panels/empty-state.tsx';
import { Minimap } from '../panels/minimap.tsx';
import { GraphView } from '../rete/graph-view.ts';
import { useObservable, useSelected } from '../state/observable.ts';
import { openAddMenu } from './commands.ts';
import { useEditor } from './editor-context.ts';
import { ErrorBoundary } from './error-boundary.tsx';
import { GraphViewContext } from './graph-view-context.ts';

export function Canvas() {
  const editor = useEditor();
  const element = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<GraphView | undefined>(undefined);
  const [dropping, setDropping] = useState(false);
  const isEmpty = useSelected(editor.document, (document) => Object.keys(document.nodes).length === 0);

  useEffect(() => {
    if (!element.current) return undefined;
    const created = new GraphView(element.current, editor);
    setView(created);
    editor.view.set(created);
    requestAnimationFrame(() => created.frameToRead());
    return () => {
      editor.view.set(undefined);
      created.destroy();
    };
  }, [editor]);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: files are dropped on it; the Open button does the same
    <div
      className={`canvas-area ${dropping ? 'dropping' : ''}`}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes('Files')) return;
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget instanceof Node ? event.relatedTarget : null))
          setDropping(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setDropping(false);
        void takeFiles(
          editor,
          [...event.dataTransfer.files],
          view?.port.toGraph(event.clientX, event.clientY),
        );
      }}
    >
      <div
        ref={element}
        className="canvas"
        role="application"
        aria-label="Workflow graph. Arrow keys walk between nodes, Tab adds a node, Control K lists all commands."
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application is interactive; its keys are in keyboard.ts
        tabIndex={0}
        data-testid="canvas"
        onContextMenu={(event) => {
          if (event.target instanceof Element && event.target.closest('.node-place')) return;
          event.preventDefault();
          openAddMenu(editor);
        }}
        onDoubleClick={(event) => {
          if (event.target instanceof Element && event.target.closest('.node-place')) return;
          openAddMenu(editor);
        }}
      />
      {view && (
        <GraphViewContext value={view}>
          <MountedNodes view={view} />
          <Marquee view={view} />
          {isEmpty && <EmptyState />}
          <CanvasTools view={view} />
          <Minimap view={view} />
        </GraphViewContext>
      )}
      {dropping && <p className="drop-hint">Drop a workflow, a video made by Reelgraph, or an image</p>}
    </div>
  );
}

function MountedNodes({ view }: { view: GraphView }) {
  const mounted = useObservable(view.plugin.mounted);
  return (
    <>
      {[...mounted].map(([id, slot]) => (
        <NodePortal key={id} id={id} slot={slot} />
      ))}
    </>
  );
}

const NodePortal = memo(function NodePortal({ id, slot }: { id: string; slot: HTMLElement }) {
  return createPortal(
    <ErrorBoundary fallback={<p className="node broken-node">This node cannot be shown.</p>}>
      <NodeView id={id} />
    </ErrorBoundary>,
    slot,
  );
});

function Marquee({ view }: { view: GraphView }) {
  const rect = useObservable(view.marquee);
  if (!rect) return null;
  return (
    <div
      className="marquee over-canvas"
      style={{ transform: `translate(${rect.x}px, ${rect.y}px)`, width: rect.width, height: rect.height }}
    />
  );
}
