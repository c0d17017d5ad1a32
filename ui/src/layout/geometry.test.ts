import type { NodeTypeInfo } from '@reelgraph/graph';
import { describe, expect, it } from 'vitest';
import { nodeType, smallCatalogue } from '../testing/small-graph.ts';
import { boundsOf, contains, nodeGeometry, nodeMetrics, socketOffset } from './geometry.ts';

const text = {
  kind: 'text',
  label: 'T',
  description: '',
  default: '',
  multiline: true,
  maxLength: 10,
} as const;

describe('the geometry of a node', () => {
  it('is known from the type alone and the same each time', () => {
    const info = smallCatalogue.get('denoise');
    if (!info) throw new Error('no such type');
    const geometry = nodeGeometry(info);
    expect(nodeGeometry(info)).toBe(geometry);
    expect(geometry.height).toBe(
      nodeMetrics.header +
        nodeMetrics.portTop +
        nodeMetrics.portRow +
        nodeMetrics.controlGap +
        nodeMetrics.controlRow +
        nodeMetrics.controlGap +
        nodeMetrics.preview +
        nodeMetrics.bottom,
    );
  });

  it('gives a node that is played room for its picture', () => {
    const live = { log: 'a', idle: 'none', keys: {}, once: [], hint: '', fps: 8 };
    const played = nodeGeometry(nodeType({ type: 'played', preview: 'progress', live }));
    const seen = nodeGeometry(nodeType({ type: 'seen', preview: 'progress' }));
    expect(played.height - seen.height).toBe(nodeMetrics.livePreview - nodeMetrics.preview);
  });

  it('shows the first controls and counts the others', () => {
    const params: NodeTypeInfo['params'] = Object.fromEntries(
      Array.from({ length: 8 }, (_, index) => [`p${index}`, text]),
    );
    const geometry = nodeGeometry(nodeType({ type: 'many', params }));
    expect(geometry.controls.map((control) => control.param)).toEqual(['p0', 'p1', 'p2', 'p3', 'p4']);
    expect(geometry.hiddenParams).toBe(3);
  });

  it('puts inputs on the left edge, outputs on the right, unknown ports on the header', () => {
    const info = smallCatalogue.get('decode');
    if (!info) throw new Error('no such type');
    const geometry = nodeGeometry(info);
    expect(socketOffset(geometry, 'input', 'latent')).toEqual({ x: 0, y: 47 });
    expect(socketOffset(geometry, 'output', 'frames')).toEqual({ x: nodeMetrics.width, y: 47 });
    expect(socketOffset(geometry, 'input', 'gone')).toEqual({ x: 0, y: nodeMetrics.header / 2 });
  });
});

it('bounds hold all rectangles, and none have none', () => {
  const bounds = boundsOf([
    { x: -10, y: 0, width: 20, height: 5 },
    { x: 0, y: 20, width: 100, height: 5 },
  ]);
  expect(bounds).toEqual({ x: -10, y: 0, width: 110, height: 25 });
  expect(boundsOf([])).toBeUndefined();
  expect(bounds && contains(bounds, 99, 24)).toBe(true);
  expect(bounds && contains(bounds, 100, 24)).toBe(false);
});
