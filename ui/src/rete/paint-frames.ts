/** Draws the groups and comments of a document under its wires. Titles keep a readable size at every zoom. */
import type { Workflow } from '@reelgraph/graph';
import { overlaps, type Rect } from '../layout/geometry.ts';
import { type ThemeName, themes } from '../styles/theme.ts';

const titleHeight = 24;
const commentWidth = 260;

export function paintFrames(
  ctx: CanvasRenderingContext2D,
  document: Workflow,
  region: Rect,
  name: ThemeName,
  zoom: number,
): void {
  const theme = themes[name];
  const scale = Math.max(1, 0.8 / zoom);
  ctx.textAlign = 'left';
  for (const group of Object.values(document.groups)) {
    const [x, y, width, height] = group.bounds;
    if (!overlaps({ x, y: y - titleHeight * scale, width, height: height + titleHeight * scale }, region))
      continue;
    // A colour comes from a document of a stranger; the canvas ignores what is none.
    ctx.fillStyle = theme.secondary;
    if (group.color) ctx.fillStyle = group.color;
    ctx.globalAlpha = 0.1;
    ctx.beginPath();
    ctx.roundRect(x, y, width, height, 10);
    ctx.fill();
    ctx.globalAlpha = 0.5;
    ctx.strokeStyle = ctx.fillStyle;
    ctx.lineWidth = 1;
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.fillStyle = theme.secondary;
    ctx.textBaseline = 'bottom';
    ctx.font = `600 ${13 * scale}px "Inter Variable", Inter, system-ui, sans-serif`;
    ctx.fillText(group.title, x + 4, y - 4, width);
  }
  if (zoom < 0.3) return;
  ctx.textBaseline = 'top';
  ctx.font = '12px "Inter Variable", Inter, system-ui, sans-serif';
  ctx.fillStyle = theme.secondary;
  for (const comment of Object.values(document.comments)) {
    const [x, y] = comment.at;
    const lines = wrap(ctx, comment.text, commentWidth);
    if (!overlaps({ x, y, width: commentWidth, height: lines.length * 17 }, region)) continue;
    lines.forEach((line, index) => {
      ctx.fillText(line, x, y + index * 17);
    });
  }
}

/** Breaks a text into lines that are no wider than `width`; what is very long is cut. */
function wrap(ctx: CanvasRenderingContext2D, text: string, width: number): string[] {
  const lines: string[] = [];
  for (const paragraph of text.slice(0, 4000).split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      const longer = line === '' ? word : `${line} ${word}`;
      if (line !== '' && ctx.measureText(longer).width > width) {
        lines.push(line);
        line = word;
      } else line = longer;
    }
    lines.push(line);
  }
  return lines;
}
