/** Draws wires and the short facts on them. Each wire is one stroke: one path of all would be slower to fill. */
import type { PortType } from '@reelgraph/graph';
import { overlaps, type Place, type Rect } from '../layout/geometry.ts';
import { pointOnWire, type WirePath, wireBounds, wirePath } from '../layout/wire-path.ts';
import { portColours, type Theme, type ThemeName, themes } from '../styles/theme.ts';
import type { Scene, SceneWire } from './scene.ts';

export interface WireLook {
  readonly theme: ThemeName;
  readonly zoom: number;
  readonly selectedNodes: ReadonlySet<string>;
  readonly selectedWire: string | undefined;
  readonly hoveredWire: string | undefined;
  /** Wires not to draw: they are moving and drawn above, or in the hand. */
  readonly left: ReadonlySet<string>;
  /** Nodes that failed or were not run; what they feed is dashed. */
  readonly broken: ReadonlySet<string>;
  /** Text by `nodeId port` of an output. */
  readonly facts: ReadonlyMap<string, string>;
}

const hairlineZoom = 0.3;

export function wireColour(theme: ThemeName, type: PortType | undefined): string {
  return type === undefined ? themes[theme].danger : portColours[theme][type];
}

export function paintWires(
  ctx: CanvasRenderingContext2D,
  scene: Scene,
  wires: Iterable<SceneWire>,
  region: Rect,
  look: WireLook,
): void {
  const hairline = look.zoom < hairlineZoom;
  const focus = look.selectedNodes.size > 0 || look.selectedWire !== undefined;
  for (const wire of wires) {
    if (look.left.has(wire.key)) continue;
    const path = scene.path(wire);
    if (!overlaps(grown(wireBounds(path)), region)) continue;
    const chosen =
      wire.key === look.selectedWire ||
      look.selectedNodes.has(wire.source.id) ||
      look.selectedNodes.has(wire.target.id);
    const off = wire.source.node.mode !== undefined || wire.target.node.mode !== undefined;
    ctx.globalAlpha = (focus && !chosen ? 0.35 : 1) * (off ? 0.45 : 1);
    ctx.setLineDash(look.broken.has(wire.source.id) ? [6, 5] : []);
    strokeWire(ctx, wire, path, look, hairline);
  }
  ctx.globalAlpha = 1;
  ctx.setLineDash([]);
  if (look.zoom >= 0.5 && look.facts.size > 0) paintFacts(ctx, scene, region, look);
}

function strokeWire(
  ctx: CanvasRenderingContext2D,
  wire: SceneWire,
  path: WirePath,
  look: WireLook,
  hairline: boolean,
): void {
  const marked = wire.key === look.selectedWire || wire.key === look.hoveredWire;
  if (marked && !hairline) {
    ctx.strokeStyle = themes[look.theme].accent;
    ctx.lineWidth = 6;
    const alpha = ctx.globalAlpha;
    ctx.globalAlpha = 0.35;
    traceWire(ctx, path);
    ctx.globalAlpha = alpha;
  }
  ctx.strokeStyle = wireColour(look.theme, wire.type);
  ctx.lineWidth = hairline ? 1 / look.zoom : 2;
  traceWire(ctx, path);
}

export function traceWire(ctx: CanvasRenderingContext2D, { from, to, reach }: WirePath): void {
  ctx.beginPath();
  ctx.moveTo(from.x, from.y);
  ctx.bezierCurveTo(from.x + reach, from.y, to.x - reach, to.y, to.x, to.y);
  ctx.stroke();
}

/** Places along a wire for its facts, the middle first. */
const factPlaces = [0.5, 0.38, 0.62, 0.26, 0.74] as const;

/**
 * Each output says its facts once, on its first wire that is long enough to carry them, where no node and no other
 * facts lie over them.
 */
function paintFacts(ctx: CanvasRenderingContext2D, scene: Scene, region: Rect, look: WireLook): void {
  const said = new Set<string>();
  const taken: Rect[] = [...scene.nodes.values()].filter((node) => overlaps(node, region));
  const theme: Theme = themes[look.theme];
  // Small zooms get larger letters, so that they stay readable.
  const size = Math.max(10, Math.min(14, 9.5 / look.zoom));
  const half = size * 0.8;
  ctx.font = `500 ${size}px "Inter Variable", Inter, system-ui, sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  for (const wire of scene.wires.values()) {
    const output = `${wire.from[0]} ${wire.from[1]}`;
    const text = look.facts.get(output);
    if (text === undefined || said.has(output) || look.left.has(wire.key)) continue;
    const path = scene.path(wire);
    const width = ctx.measureText(text).width + size * 1.2;
    // A wire that goes back has its middle between two rows, where there is room for words.
    const isBack = path.to.x < path.from.x && Math.abs(path.to.y - path.from.y) > 6 * half;
    if (!isBack && path.to.x - path.from.x < width + 8) continue;
    const boxes = factPlaces.map((share): Rect => {
      const at = pointOnWire(path, share);
      return { x: at.x - width / 2, y: at.y - half, width, height: 2 * half };
    });
    const box = boxes.find((place) => !taken.some((other) => overlaps(place, other)));
    if (box === undefined || !overlaps(box, region)) continue;
    said.add(output);
    taken.push(box);
    const middle = { x: box.x + width / 2, y: box.y + half };
    ctx.fillStyle = theme.canvas;
    ctx.strokeStyle = theme.border;
    ctx.lineWidth = 1;
    ctx.beginPath();
    ctx.roundRect(box.x, box.y, width, 2 * half, half);
    ctx.fill();
    ctx.stroke();
    ctx.fillStyle = theme.text;
    ctx.fillText(text, middle.x, middle.y + 0.5);
  }
}

/** The wire in the hand, from its fixed end to the pointer, with what it carries written beside the pointer. */
export function paintHeldWire(
  ctx: CanvasRenderingContext2D,
  fixed: Place,
  pointer: Place,
  side: 'output' | 'input',
  type: PortType | undefined,
  theme: ThemeName,
  zoom: number,
): void {
  const path = side === 'output' ? wirePath(fixed, pointer) : wirePath(pointer, fixed);
  const colour = wireColour(theme, type);
  ctx.strokeStyle = colour;
  ctx.lineWidth = 2.5;
  traceWire(ctx, path);
  ctx.fillStyle = colour;
  ctx.beginPath();
  ctx.arc(pointer.x, pointer.y, 4, 0, 2 * Math.PI);
  ctx.fill();
  if (type === undefined) return;
  const size = 11 / zoom;
  ctx.font = `600 ${size}px "Inter Variable", Inter, system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  const width = ctx.measureText(type).width + 12 / zoom;
  const x = pointer.x + 14 / zoom;
  const y = pointer.y + 16 / zoom;
  ctx.fillStyle = themes[theme].raised;
  ctx.strokeStyle = themes[theme].border;
  ctx.lineWidth = 1 / zoom;
  ctx.beginPath();
  ctx.roundRect(x, y - 9 / zoom, width, 18 / zoom, 5 / zoom);
  ctx.fill();
  ctx.stroke();
  ctx.fillStyle = colour;
  ctx.fillText(type, x + 6 / zoom, y);
}

function grown(rect: Rect): Rect {
  return { x: rect.x - 4, y: rect.y - 4, width: rect.width + 8, height: rect.height + 8 };
}
