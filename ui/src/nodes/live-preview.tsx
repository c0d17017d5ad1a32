/** The preview slot of a node that can be played: what a run made, or the picture that answers to keys. */
import {
  formatActionLog,
  type LivePlayInfo,
  type NodeRunState,
  type NodeTypeInfo,
  type ParamValue,
} from '@reelgraph/graph';
import { useEffect, useRef, useState } from 'react';
import type { Editor } from '../app/editor.ts';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { nodeMetrics } from '../layout/geometry.ts';
import { setParam } from '../state/edits.ts';
import { LivePlayer, type LiveState } from '../state/live-player.ts';
import { useObservable } from '../state/observable.ts';
import { fitInside } from '../state/preview-tiles.ts';
import { NodePreview } from './node-preview.tsx';

interface LivePreviewProps {
  readonly id: string;
  readonly info: NodeTypeInfo;
  readonly live: LivePlayInfo;
  readonly run: NodeRunState | undefined;
  readonly height: number;
}

/** Height of the row with the button. */
const barHeight = 30;

export function LivePreview({ id, info, live, run, height }: LivePreviewProps) {
  const editor = useEditor();
  const [player, setPlayer] = useState<LivePlayer>();
  const canvas = useRef<HTMLCanvasElement>(null);

  // A node that leaves the page, or changes under the game, is no longer played.
  useEffect(() => {
    if (!player) return;
    const before = playedParams(editor, id, live.log);
    const stopWatching = editor.document.subscribe(() => {
      if (playedParams(editor, id, live.log) !== before) player.stop();
    });
    return () => {
      stopWatching();
      player.stop();
    };
  }, [player, editor, id, live.log]);

  const play = (): void => {
    const params = Object.entries(editor.document.get().nodes[id]?.params ?? {}).filter(
      ([name]) => name !== live.log && Object.hasOwn(info.params, name),
    );
    const next = new LivePlayer({
      info: live,
      open: (handlers) =>
        editor.openLive({ nodeType: info.type, params: Object.fromEntries(params), ...handlers }),
      onFrame: (frame) => draw(canvas.current, frame),
      onOver: (log, problem) => {
        setPlayer(undefined);
        if (log.length > 0 && editor.document.get().nodes[id]) keepLog(editor, id, live.log, log);
        if (problem !== undefined) editor.notices.add({ tone: 'bad', text: problem });
      },
    });
    if (next.state.get().phase !== 'over') setPlayer(next);
  };

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: only keeps presses from reaching the canvas
    <div
      className="live-preview"
      style={{ height }}
      onPointerDown={(event) => event.stopPropagation()}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      {player ? (
        <LiveCanvas ref={canvas} id={id} player={player} live={live} height={height - barHeight} />
      ) : (
        <>
          <NodePreview id={id} info={info} run={run} height={height - barHeight} />
          <div className="live-bar">
            <button type="button" className="live-button" onClick={play} data-testid={`play-${id}`}>
              <Icon name="play" size={14} /> Play
            </button>
            <span>{live.hint}</span>
          </div>
        </>
      )}
    </div>
  );
}

function LiveCanvas({
  ref,
  id,
  player,
  live,
  height,
}: {
  readonly ref: React.RefObject<HTMLCanvasElement | null>;
  readonly id: string;
  readonly player: LivePlayer;
  readonly live: LivePlayInfo;
  readonly height: number;
}) {
  const state = useObservable(player.state);
  const stage = useRef<HTMLDivElement>(null);
  useEffect(() => stage.current?.focus({ preventScroll: true }), []);
  return (
    <>
      <div
        ref={stage}
        className="live-stage"
        style={{ height }}
        role="application"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it is what takes the keys
        tabIndex={0}
        aria-label={`Being played. ${live.hint}. Escape stops.`}
        data-testid={`live-${id}`}
        data-frames={state.frameCount}
        data-phase={state.phase}
        onKeyDown={(event) => {
          if (event.ctrlKey || event.metaKey || event.altKey) return;
          if (event.key === 'Escape') player.stop();
          else if (player.takes(event.key)) player.keyDown(event.key);
          else return;
          event.preventDefault();
        }}
        onKeyUp={(event) => player.keyUp(event.key)}
        onBlur={() => player.releaseAll()}
      >
        <canvas ref={ref} className={`live-canvas ${state.phase}`} width={1} height={1} />
      </div>
      <div className="live-bar">
        <button
          type="button"
          className="live-button"
          onClick={() => player.stop()}
          data-testid={`stop-${id}`}
        >
          <Icon name="stop" size={14} /> Stop
        </button>
        <span data-testid={`live-facts-${id}`}>{factsOf(state)}</span>
      </div>
    </>
  );
}

function factsOf({ phase, frameCount, latencyMs }: LiveState): string {
  if (phase === 'opening') return 'Loading the model …';
  const waiting = phase === 'waiting' ? 'press a key · ' : '';
  const latency = latencyMs === undefined ? '' : ` · ${Math.round(latencyMs)} ms`;
  return `${waiting}${frameCount} ${frameCount === 1 ? 'frame' : 'frames'}${latency}`;
}

/** The params that the frames follow from, as one text. */
function playedParams(editor: Editor, id: string, log: string): string {
  const { [log]: _, ...others } = editor.document.get().nodes[id]?.params ?? {};
  const entries: [string, ParamValue][] = Object.entries(others);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function keepLog(editor: Editor, id: string, param: string, log: readonly string[]): void {
  editor.document.edit('Play', (draft) => {
    setParam(draft, id, param, formatActionLog(log));
  });
}

/** Paints RGB bytes; the style sheet enlarges them without blurring. */
function draw(
  canvas: HTMLCanvasElement | null,
  { widthPx, heightPx, data }: { widthPx: number; heightPx: number; data: string },
): void {
  const context = canvas?.getContext('2d');
  if (!canvas || !context) return;
  if (canvas.width !== widthPx || canvas.height !== heightPx) {
    canvas.width = widthPx;
    canvas.height = heightPx;
    const place = canvas.parentElement;
    const size = fitInside(
      widthPx / heightPx,
      nodeMetrics.width - 20,
      (place?.clientHeight ?? heightPx) - 12,
    );
    canvas.style.width = `${size.width}px`;
    canvas.style.height = `${size.height}px`;
  }
  const bytes = atob(data);
  const image = context.createImageData(widthPx, heightPx);
  for (let i = 0; i < widthPx * heightPx; i++) {
    for (let channel = 0; channel < 3; channel++)
      image.data[4 * i + channel] = bytes.charCodeAt(3 * i + channel);
    image.data[4 * i + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}
