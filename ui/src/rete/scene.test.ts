import { describe, expect, it } from 'vitest';
import { neighbourOf } from '../app/walk-graph.ts';
import { nodeMetrics } from '../layout/geometry.ts';
import { chain, smallCatalogue } from '../testing/small-graph.ts';
import { Scene } from './scene.ts';

function scene(document = chain()): Scene {
  const result = new Scene();
  result.sync(document, smallCatalogue);
  return result;
}

// noise ─→ denoise ─→ decode ─→ write
describe('the scene', () => {
  it('knows where wires start and end without a DOM, and follows a node that is dragged', () => {
    const graph = scene();
    const wire = graph.wiresOf('noise')[0];
    if (!wire) throw new Error('the wire is missing');
    expect(graph.path(wire)).toMatchObject({ from: { x: nodeMetrics.width, y: 47 }, to: { x: 300, y: 47 } });
    graph.move('noise', 10, 100);
    expect(graph.path(wire).from).toEqual({ x: 10 + nodeMetrics.width, y: 147 });
  });

  it('keeps the object of a node that stays', () => {
    const graph = scene();
    const before = graph.nodes.get('noise');
    const document = chain();
    delete document.nodes.write;
    graph.sync(document, smallCatalogue);
    expect(graph.nodes.get('noise')).toBe(before);
    expect(graph.nodes.size).toBe(3);
    expect(graph.wires.size).toBe(2);
  });

  it('shows a node of a type that is not installed, with the ports its wires name', () => {
    const document = chain();
    document.nodes.decode = { type: 'from-elsewhere', version: 2, params: { any: 1 } };
    const graph = scene(document);
    const node = graph.nodes.get('decode');
    expect(node?.known).toBe(false);
    expect(node?.geometry).toMatchObject({ inputs: ['latent'], outputs: ['frames'] });
    expect(graph.wires.size).toBe(3);
    expect([...graph.wires.values()].at(-1)?.type).toBeUndefined();
  });

  it('places nodes that the document does not place side by side', () => {
    const graph = scene({ ...chain(), layout: { nodes: {} } });
    const xs = [...graph.nodes.values()].map((node) => node.x);
    expect(new Set(xs).size).toBe(4);
  });
});

describe('walking by arrows', () => {
  it('follows wires sideways', () => {
    expect(neighbourOf(scene(), 'denoise', 1, 0)).toBe('decode');
    expect(neighbourOf(scene(), 'denoise', -1, 0)).toBe('noise');
    expect(neighbourOf(scene(), 'write', 1, 0)).toBeUndefined();
  });

  it('starts somewhere when nothing is selected', () => {
    expect(neighbourOf(scene(), undefined, 1, 0)).toBe('noise');
  });
});
