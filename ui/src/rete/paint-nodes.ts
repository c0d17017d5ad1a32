/** Draws nodes that are not in the DOM: those of a zoomed-out view, and those about to come into sight. */
import type { NodeRunState } from '@reelgraph/graph';
import { nodeMetrics, overlaps, type Rect } from '../layout/geometry.ts';
import { progressFraction } from '../state/durations.ts';
import { categoryHue, portColours, type Theme, type ThemeName, themes } from '../styles/theme.ts';
import type { Scene, SceneNode } from './scene.ts';

export interface NodeLook {
  readonly theme: ThemeName;
  readonly zoom: number;
  readonly selected: ReadonlySet<string>;
  readonly mounted: ReadonlyMap<string, unknown>;
  readonly runNodes: Readonly<Record<string, NodeRunState>>;
  readonly withErrors: ReadonlySet<string>;
}

/** Below this zoom a node is a block of colour; its text could not be read. */
const blockZoom = 0.22;

export function paintNodes(ctx: CanvasRenderingContext2D, scene: Scene, region: Rect, look: NodeLook): void {
  const theme = themes[look.theme];
  for (const node of scene.nodes.values()) {
    if (look.mounted.has(node.id) || !overlaps(node, region)) continue;
    ctx.globalAlpha = node.node.mode === undefined ? 1 : 0.5;
    if (look.zoom < blockZoom) paintBlock(ctx, node, theme);
    else paintBox(ctx, node, theme, look);
    paintOutline(ctx, node, theme, look);
  }
  ctx.globalAlpha = 1;
}

function paintBlock(ctx: CanvasRenderingContext2D, node: SceneNode, theme: Theme): void {
  ctx.fillStyle = theme.raised;
  ctx.fillRect(node.x, node.y, node.width, node.height);
  ctx.fillStyle = categoryHue(node.info.category);
  ctx.fillRect(node.x, node.y, node.width, nodeMetrics.header * 1.6);
}

function paintBox(ctx: CanvasRenderingContext2D, node: SceneNode, theme: Theme, look: NodeLook): void {
  ctx.fillStyle = theme.raised;
  ctx.strokeStyle = theme.border;
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.roundRect(node.x, node.y, node.width, node.height, 8);
  ctx.fill();
  ctx.stroke();
  ctx.fillStyle = categoryHue(node.info.category);
  ctx.beginPath();
  ctx.roundRect(node.x + 10, node.y + 10, 10, 10, 3);
  ctx.fill();
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  ctx.fillStyle = theme.text;
  ctx.font = '600 15px "Inter Variable", Inter, system-ui, sans-serif';
  ctx.fillText(
    node.node.title ?? node.info.title,
    node.x + 28,
    node.y + nodeMetrics.header / 2 + 1,
    node.width - 40,
  );
  const colours = portColours[look.theme];
  const portTop = node.y + nodeMetrics.header + nodeMetrics.portTop;
  node.geometry.inputs.forEach((name, index) => {
    const type = node.info.inputs[name]?.type;
    ctx.fillStyle = type ? colours[type] : theme.secondary;
    ctx.fillRect(node.x - 5, portTop + (index + 0.5) * nodeMetrics.portRow - 5, 10, 10);
  });
  node.geometry.outputs.forEach((name, index) => {
    const type = node.info.outputs[name]?.type;
    ctx.fillStyle = type ? colours[type] : theme.secondary;
    ctx.fillRect(node.x + node.width - 5, portTop + (index + 0.5) * nodeMetrics.portRow - 5, 10, 10);
  });
  ctx.font = '12px "Inter Variable", Inter, system-ui, sans-serif';
  for (const control of node.geometry.controls) {
    const info = node.info.params[control.param];
    if (!info) continue;
    const set = node.node.params[control.param] ?? info.default;
    const value = String(set === 0 && 'zeroLabel' in info ? (info.zeroLabel ?? set) : set);
    const y = node.y + control.top;
    ctx.fillStyle = theme.sunken;
    ctx.beginPath();
    ctx.roundRect(node.x + 10, y + 2, node.width - 20, control.height - 4, 5);
    ctx.fill();
    ctx.fillStyle = theme.secondary;
    if (control.height > nodeMetrics.controlRow) {
      ctx.fillText(value.slice(0, 60), node.x + 18, y + 16, node.width - 36);
    } else {
      ctx.fillText(info.label, node.x + 18, y + control.height / 2, node.width / 2);
      ctx.textAlign = 'right';
      ctx.fillStyle = theme.text;
      ctx.fillText(value.slice(0, 24), node.x + node.width - 18, y + control.height / 2, node.width / 2 - 20);
      ctx.textAlign = 'left';
    }
  }
  if (node.geometry.preview) {
    ctx.fillStyle = theme.sunken;
    ctx.beginPath();
    ctx.roundRect(
      node.x + 10,
      node.y + node.geometry.preview.top,
      node.width - 20,
      node.geometry.preview.height - 4,
      6,
    );
    ctx.fill();
  }
}

function paintOutline(ctx: CanvasRenderingContext2D, node: SceneNode, theme: Theme, look: NodeLook): void {
  const run = look.runNodes[node.id];
  const failed = run?.status === 'failed' || look.withErrors.has(node.id) || !node.known;
  const selected = look.selected.has(node.id);
  if (run?.status === 'running') {
    ctx.fillStyle = theme.accent;
    const width = node.width * (progressFraction(run) ?? 0.5);
    ctx.fillRect(node.x, node.y + nodeMetrics.header - 2, width, Math.max(2, 2 / look.zoom));
  }
  if (!failed && !selected && run?.status !== 'running') return;
  ctx.strokeStyle = failed ? theme.danger : theme.accent;
  ctx.lineWidth = Math.max(2, 2 / look.zoom);
  ctx.beginPath();
  ctx.roundRect(node.x, node.y, node.width, node.height, 8);
  ctx.stroke();
}
