/** The preview slot of a node: the moving picture while it works, then what it made. */

import type { FileSummary, NodeRunState, NodeTypeInfo, WorkflowNode } from '@reelgraph/graph';
import { useRef } from 'react';
import { useEditor } from '../app/editor-context.ts';
import { nodeMetrics } from '../layout/geometry.ts';
import { useSelected } from '../state/observable.ts';
import { fitInside } from '../state/preview-tiles.ts';
import { prefersReducedMotion } from '../state/reduced-motion.ts';
import { ResultMedia } from './result-media.tsx';
import { ScoreTableView } from './score-table-view.tsx';
import { TileStripView } from './tile-strip-view.tsx';

interface NodePreviewProps {
  readonly id: string;
  readonly info: NodeTypeInfo;
  readonly run: NodeRunState | undefined;
  readonly height: number;
}

export function NodePreview({ id, info, run, height }: NodePreviewProps) {
  const editor = useEditor();
  const preview = useSelected(editor.runs.previews, (previews) => previews.get(id));
  const box = { width: nodeMetrics.width - 20, height: height - 6 };
  const file = shownFile(run);
  // While the next result is on its way the one before stays, faded: the picture does not blink.
  const last = useRef<FileSummary | undefined>(undefined);
  if (file || !run) last.current = file;
  const working = run?.status === 'waiting' || run?.status === 'running';
  const before = working && info.preview === 'video' ? last.current : undefined;
  const name = useSelected(editor.document, (document) => chosenFile(info, document.nodes[id]));
  const chosen = name === undefined ? undefined : { name, accept: info.preview };
  const score = Object.values(run?.outputs ?? {}).find((output) => output.score)?.score;
  return (
    <div className="preview" style={{ height }}>
      {score ? (
        <ScoreTableView score={score} height={height - 6} />
      ) : file ? (
        <ResultMedia file={file} nodeId={id} box={box} />
      ) : before ? (
        <div className="before">
          <ResultMedia file={before} nodeId={id} box={box} isBefore />
        </div>
      ) : chosen?.accept === 'image' ? (
        <img
          className="chosen-picture"
          src={editor.client.fileUrl(chosen.name)}
          alt={`Chosen: ${editor.fileNames.labelOf(chosen.name)}`}
          draggable={false}
        />
      ) : chosen ? (
        <video
          key={chosen.name}
          className="chosen-picture"
          src={editor.client.fileUrl(chosen.name)}
          aria-label={`Chosen: ${editor.fileNames.labelOf(chosen.name)}`}
          autoPlay={!prefersReducedMotion()}
          loop
          muted
          playsInline
          disablePictureInPicture
        />
      ) : preview ? (
        <TileStripView
          preview={preview}
          size={fitInside(preview.widthPx / preview.heightPx, box.width, box.height)}
        />
      ) : (
        <p className="preview-empty">{emptyText(info, run)}</p>
      )}
    </div>
  );
}

function shownFile(run: NodeRunState | undefined): FileSummary | undefined {
  for (const output of Object.values(run?.outputs ?? {})) {
    if (output.file && /^(video|image)\//.test(output.file.mediaType)) return output.file;
  }
  return undefined;
}

/** The file that a loading node is set to; it is seen before anything runs. */
function chosenFile(info: NodeTypeInfo, node: WorkflowNode | undefined): string | undefined {
  if (!node) return undefined;
  for (const [name, param] of Object.entries(info.params)) {
    const value = node.params[name];
    if (param.kind === 'file' && param.accept === info.preview && typeof value === 'string' && value !== '')
      return value;
  }
  return undefined;
}

function emptyText(info: NodeTypeInfo, run: NodeRunState | undefined): string {
  if (run?.status === 'running') return run.message ?? 'Working …';
  if (run?.status === 'cached') return 'Taken from the cache, not made anew';
  if (run?.status === 'finished' && info.preview === 'progress')
    return 'Done; the picture went on to the next node';
  if (run?.status === 'waiting') return 'Waits for its inputs';
  if (info.preview === 'image') return 'The picture appears here';
  if (info.preview === 'score') return 'The score appears here';
  return info.preview === 'progress' ? 'The picture takes shape here' : 'The result appears here';
}
