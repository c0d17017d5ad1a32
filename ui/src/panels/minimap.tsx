/** The whole graph small, with the part in sight; press or drag to go there. Painted at most ten times a second. */
import { type PointerEvent, useEffect, useRef } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { boundsOf, type Rect } from '../layout/geometry.ts';
import type { GraphView } from '../rete/graph-view.ts';
import { useSelected } from '../state/observable.ts';
import { categoryHue, themes } from '../styles/theme.ts';

const width = 176;
const height = 108;
const paintEveryMs = 100;

export function Minimap({ view }: { view: GraphView }) {
  const editor = useEditor();
  const canvas = useRef<HTMLCanvasElement>(null);
  const shown = useSelected(editor.document, (document) => Object.keys(document.nodes).length > 1);
  const frame = useRef({ scale: 1, x: 0, y: 0 });

  useEffect(() => {
    if (!shown) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const paint = (): void => {
      timer = undefined;
      const ctx = canvas.current?.getContext('2d');
      if (!ctx || !canvas.current) return;
      // Where all is in sight anyway, the map would only cover some of it.
      canvas.current.style.visibility = allInSight(view) ? 'hidden' : 'visible';
      frame.current = paintMap(ctx, view, editor);
    };
    const later = (): void => {
      timer ??= setTimeout(paint, paintEveryMs);
    };
    later();
    const stops = [
      view.viewport,
      editor.document,
      editor.catalogue,
      editor.selection,
      editor.theme,
      editor.runs.shown,
    ].map((source) => source.subscribe(later));
    return () => {
      clearTimeout(timer);
      for (const stop of stops) stop();
    };
  }, [view, editor, shown]);

  if (!shown) return null;
  const go = (event: PointerEvent<HTMLCanvasElement>): void => {
    const box = event.currentTarget.getBoundingClientRect();
    const { scale, x, y } = frame.current;
    view.port.lookAt((event.clientX - box.left) / scale + x, (event.clientY - box.top) / scale + y);
  };
  return (
    <canvas
      ref={canvas}
      className="minimap over-canvas"
      width={width * 2}
      height={height * 2}
      role="img"
      aria-label="Map of the whole workflow"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        go(event);
      }}
      onPointerMove={(event) => {
        if (event.buttons === 1) go(event);
      }}
    />
  );
}

function allInSight(view: GraphView): boolean {
  const seen = view.port.visible();
  const all = boundsOf(view.scene.nodes.values());
  return (
    all === undefined ||
    (all.x >= seen.x &&
      all.y >= seen.y &&
      all.x + all.width <= seen.x + seen.width &&
      all.y + all.height <= seen.y + seen.height)
  );
}

function paintMap(
  ctx: CanvasRenderingContext2D,
  view: GraphView,
  editor: ReturnType<typeof useEditor>,
): { scale: number; x: number; y: number } {
  const theme = themes[editor.theme.get()];
  const seen = view.port.visible();
  const all = boundsOf([...view.scene.nodes.values(), seen]) ?? seen;
  const scale = Math.min((width - 12) / all.width, (height - 12) / all.height);
  const x = all.x - (width / scale - all.width) / 2;
  const y = all.y - (height / scale - all.height) / 2;
  ctx.setTransform(2, 0, 0, 2, 0, 0);
  ctx.clearRect(0, 0, width, height);
  ctx.setTransform(2 * scale, 0, 0, 2 * scale, -x * 2 * scale, -y * 2 * scale);
  const { nodes } = editor.selection.get();
  const running = editor.runs.shown.get()?.nodes;
  for (const node of view.scene.nodes.values()) {
    const status = running?.[node.id]?.status;
    ctx.fillStyle =
      status === 'failed'
        ? theme.danger
        : nodes.has(node.id) || status === 'running'
          ? theme.accent
          : categoryHue(node.info.category);
    ctx.fillRect(node.x, node.y, node.width, node.height);
  }
  outline(ctx, seen, theme.text, 1 / scale);
  return { scale, x, y };
}

function outline(ctx: CanvasRenderingContext2D, rect: Rect, colour: string, lineWidth: number): void {
  ctx.strokeStyle = colour;
  ctx.lineWidth = lineWidth;
  ctx.globalAlpha = 0.7;
  ctx.strokeRect(rect.x, rect.y, rect.width, rect.height);
  ctx.globalAlpha = 1;
}
