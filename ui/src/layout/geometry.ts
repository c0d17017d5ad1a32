/**
 * Size and places of everything in a node, from its type alone. Nothing is measured in the DOM: most nodes are not
 * in the DOM (out of sight or painted), and their wires must end in the right place all the same.
 */
import type { NodeTypeInfo, ParamInfo } from '@reelgraph/graph';

/** All in px at zoom 1. The style sheet reads the same numbers as custom properties (`--node-width` …). */
export const nodeMetrics = {
  width: 248,
  header: 30,
  portTop: 6,
  portRow: 22,
  controlGap: 4,
  controlRow: 28,
  textRow: 78,
  fileRow: 64,
  preview: 176,
  /** Of a node that is played: square pictures fill the width. */
  livePreview: 272,
  /** Of a node that shows a table. */
  tablePreview: 296,
  more: 22,
  bottom: 8,
} as const;

/** Controls shown on the node; the rest is in the inspector. */
export const controlsOnNode = 5;

export interface ControlPlace {
  readonly param: string;
  readonly top: number;
  readonly height: number;
}

export interface NodeGeometry {
  readonly width: number;
  readonly height: number;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly controls: readonly ControlPlace[];
  /** Params that only the inspector shows. */
  readonly hiddenParams: number;
  readonly preview: { readonly top: number; readonly height: number } | undefined;
}

const known = new WeakMap<NodeTypeInfo, NodeGeometry>();

export function nodeGeometry(info: NodeTypeInfo): NodeGeometry {
  let geometry = known.get(info);
  if (!geometry) {
    geometry = computeGeometry(info);
    known.set(info, geometry);
  }
  return geometry;
}

function controlHeight(param: ParamInfo): number {
  if (param.kind === 'text' && param.multiline) return nodeMetrics.textRow;
  if (param.kind === 'file') return nodeMetrics.fileRow;
  return nodeMetrics.controlRow;
}

function previewHeight(info: NodeTypeInfo): number {
  if (info.live) return nodeMetrics.livePreview;
  return info.preview === 'score' ? nodeMetrics.tablePreview : nodeMetrics.preview;
}

function computeGeometry(info: NodeTypeInfo): NodeGeometry {
  const inputs = Object.keys(info.inputs);
  const outputs = Object.keys(info.outputs);
  const params = Object.entries(info.params);
  let top =
    nodeMetrics.header + nodeMetrics.portTop + Math.max(inputs.length, outputs.length) * nodeMetrics.portRow;
  const controls: ControlPlace[] = [];
  if (params.length > 0) top += nodeMetrics.controlGap;
  for (const [param, paramInfo] of params.slice(0, controlsOnNode)) {
    const height = controlHeight(paramInfo);
    controls.push({ param, top, height });
    top += height;
  }
  const hiddenParams = Math.max(0, params.length - controlsOnNode);
  if (hiddenParams > 0) top += nodeMetrics.more;
  let preview: NodeGeometry['preview'];
  if (info.preview !== 'none') {
    const height = previewHeight(info);
    preview = { top: top + nodeMetrics.controlGap, height };
    top += nodeMetrics.controlGap + height;
  }
  return {
    width: nodeMetrics.width,
    height: top + nodeMetrics.bottom,
    inputs,
    outputs,
    controls,
    hiddenParams,
    preview,
  };
}

export interface Place {
  readonly x: number;
  readonly y: number;
}

/** Where a port's socket is, from the node's top left corner. A port that the type does not have sits on the header. */
export function socketOffset(geometry: NodeGeometry, side: 'input' | 'output', port: string): Place {
  const index = (side === 'input' ? geometry.inputs : geometry.outputs).indexOf(port);
  const x = side === 'input' ? 0 : geometry.width;
  if (index < 0) return { x, y: nodeMetrics.header / 2 };
  return { x, y: nodeMetrics.header + nodeMetrics.portTop + (index + 0.5) * nodeMetrics.portRow };
}

export interface Rect {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export function overlaps(a: Rect, b: Rect): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

export function contains(rect: Rect, x: number, y: number): boolean {
  return x >= rect.x && y >= rect.y && x < rect.x + rect.width && y < rect.y + rect.height;
}

/** The smallest rectangle around all, or undefined for none. */
export function boundsOf(rects: Iterable<Rect>): Rect | undefined {
  let left = Infinity;
  let top = Infinity;
  let right = -Infinity;
  let bottom = -Infinity;
  for (const rect of rects) {
    left = Math.min(left, rect.x);
    top = Math.min(top, rect.y);
    right = Math.max(right, rect.x + rect.width);
    bottom = Math.max(bottom, rect.y + rect.height);
  }
  return left === Infinity ? undefined : { x: left, y: top, width: right - left, height: bottom - top };
}
