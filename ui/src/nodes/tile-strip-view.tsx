/** Plays a preview strip by moving its background one tile at a time. */
import type { Preview } from '@reelgraph/protocol';
import type { CSSProperties } from 'react';
import { tileStrip } from '../state/preview-tiles.ts';

interface TileStripViewProps {
  readonly preview: Preview;
  readonly size: { readonly width: number; readonly height: number };
}

export function TileStripView({ preview, size }: TileStripViewProps) {
  const strip = tileStrip(preview);
  if (!strip) return null;
  const style: CSSProperties = {
    width: size.width,
    height: size.height,
    backgroundImage: `url("${strip.url}")`,
    backgroundSize: strip.backgroundSize,
    animationTimingFunction: strip.timing,
    animationDuration: `${strip.durationSeconds}s`,
  };
  return (
    <div
      className={`tile-strip ${strip.moving ? 'moving' : ''}`}
      style={style}
      role="img"
      aria-label={`Preview at step ${preview.step}`}
      data-testid={`preview-${preview.nodeId}`}
      data-step={preview.step}
    />
  );
}
