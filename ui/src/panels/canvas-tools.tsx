/** Zoom and layout, in the lower left corner. */
import { commandById } from '../app/commands.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import type { GraphView } from '../rete/graph-view.ts';
import { useSelected } from '../state/observable.ts';

export function CanvasTools({ view }: { view: GraphView }) {
  const editor = useEditor();
  const percent = useSelected(view.viewport, (viewport) => Math.round(viewport.zoom * 100));
  const tool = (id: string) => {
    const command = commandById(id);
    return (
      <button
        type="button"
        className="icon-button"
        aria-label={command.title}
        title={`${command.title}${command.keys ? ` (${command.keys})` : ''}`}
        onClick={() => command.run(editor)}
      >
        <Icon name={command.icon} size={15} />
      </button>
    );
  };
  return (
    <div className="canvas-tools over-canvas" role="toolbar" aria-label="View">
      {tool('add')}
      <span className="rule" />
      {tool('zoom-out')}
      <button
        type="button"
        className="zoom-percent"
        title="Zoom to 100 %"
        aria-label={`Zoom ${percent} %, set to 100 %`}
        onClick={() => view.port.zoomBy(1 / view.viewport.get().zoom)}
      >
        {percent} %
      </button>
      {tool('zoom-in')}
      {tool('frame-all')}
      {tool('tidy')}
    </div>
  );
}
