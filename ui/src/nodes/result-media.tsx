/** A result as it is played or seen, with the ways to take it along. */
import type { FileSummary } from '@reelgraph/graph';
import { useEditor } from '../app/editor-context.ts';
import { Icon } from '../controls/icon.tsx';
import { prefersReducedMotion } from '../state/reduced-motion.ts';

interface ResultMediaProps {
  readonly file: FileSummary;
  readonly nodeId: string;
  /** The result of the run before, shown while the next one is made. */
  readonly isBefore?: boolean;
  readonly box: { readonly width: number; readonly height: number };
}

export function ResultMedia({ file, nodeId, box, isBefore = false }: ResultMediaProps) {
  const { client } = useEditor();
  const url = client.resultUrl(file.digest);
  return (
    <figure className="result" style={box} onPointerDown={(event) => event.stopPropagation()}>
      {file.mediaType.startsWith('video/') ? (
        <video
          key={file.digest}
          src={url}
          data-testid={isBefore ? `video-before-${nodeId}` : `video-${nodeId}`}
          aria-label={`Result ${file.name}`}
          autoPlay={!prefersReducedMotion()}
          loop
          muted
          playsInline
          controls={!isBefore}
          controlsList="nofullscreen noremoteplayback nodownload"
          disablePictureInPicture
        />
      ) : (
        <img src={url} alt={`Result ${file.name}`} draggable={false} />
      )}
      <a
        className="icon-button over-media"
        href={client.resultUrl(file.digest, { download: file.name })}
        download={file.name}
        title={`Download ${file.name}`}
        aria-label={`Download ${file.name}`}
      >
        <Icon name="download" size={14} />
      </a>
    </figure>
  );
}
