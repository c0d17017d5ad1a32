/** The preview slot of a node: the moving picture while it works, then what it made. */
import type { FileSummary, NodeRunState, NodeTypeInfo } from '@reelgraph/graph';
import { useEditor } from '../app/editor-context.ts';
import { nodeMetrics } from '../layout/geometry.ts';
import { useSelected } from '../state/observable.ts';
import { fitInside } from '../state/preview-tiles.ts';
import { ResultMedia } from './result-media.tsx';
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
  return (
    <div className="preview" style={{ height }}>
      {file ? (
        <ResultMedia file={file} nodeId={id} box={box} />
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

function emptyText(info: NodeTypeInfo, run: NodeRunState | undefined): string {
  if (run?.status === 'running') return run.message ?? 'Working …';
  if (run?.status === 'cached') return 'Taken from the cache, not made anew';
  if (run?.status === 'finished') return 'Done; the picture went on to the next node';
  if (run?.status === 'waiting') return 'Waits for its inputs';
  return info.preview === 'progress' ? 'The picture takes shape here' : 'The result appears here';
}
