import { describe, expect, test } from 'vitest';
import { canConnect, connectionRule } from './connect.ts';
import { exampleCatalogue, exampleEdge, exampleWorkflow } from './example-catalogue.ts';

//  source ──> a ──> b ──> sink     alone     words (text)
const workflow = exampleWorkflow(
  {
    source: 'source',
    a: 'step',
    b: 'step',
    sink: 'sink',
    alone: 'step',
    words: 'write',
    odd: 'not-installed',
  },
  ['source.latent -> a.latent', 'a.latent -> b.latent', 'b.latent -> sink.latent'],
);

function connect(line: string) {
  const { from, to } = exampleEdge(line);
  return canConnect(workflow, exampleCatalogue, from, to);
}

describe('wiring', () => {
  test('C1 equal types fit, others are refused with both names', () => {
    expect(connect('source.latent -> alone.latent')).toEqual({ ok: true });
    expect(connect('words.text -> alone.latent')).toEqual({
      ok: false,
      code: 'graph/type-mismatch',
      reason: '"text" of write gives text, but "latent" of step takes latent',
    });
  });

  test('C2 names the wire that a taken input would lose', () => {
    expect(connect('source.latent -> b.latent')).toEqual({
      ok: true,
      replaces: exampleEdge('a.latent -> b.latent'),
    });
  });

  test.each(['b.latent -> a.latent', 'a.latent -> a.latent'])('C3 refuses %s', (line) => {
    expect(connect(line)).toMatchObject({
      ok: false,
      code: line.startsWith('a') ? 'graph/same-node' : 'graph/cycle',
    });
  });

  test.each([
    ['nowhere.latent -> a.latent', 'graph/unknown-node', 'there is no node "nowhere"'],
    ['a.latent -> constructor.latent', 'graph/unknown-node', 'there is no node "constructor"'],
    [
      'a.latent -> odd.latent',
      'graph/unknown-type',
      'the node type "not-installed" is not installed, so its ports are not known',
    ],
    [
      'a.toString -> alone.latent',
      'graph/unknown-port',
      '"a" (step) has no output "toString"; it has "latent"',
    ],
    [
      'a.latent -> source.latent',
      'graph/unknown-port',
      '"source" (source) has no input "latent"; it has no inputs',
    ],
  ])('C4 refuses %s', (line, code, reason) => {
    expect(connect(line)).toEqual({ ok: false, code, reason });
  });

  test('C3 the dragged end may be the input as well', () => {
    const rule = connectionRule(workflow, exampleCatalogue, { input: ['a', 'latent'] });
    expect(rule(['b', 'latent'])).toMatchObject({ code: 'graph/cycle' });
    expect(rule(['alone', 'latent'])).toMatchObject({ ok: true });
  });

  test('C3 one held end answers a thousand ports without walking the graph again', () => {
    const ids = Array.from({ length: 1000 }, (_, index) => `n${index}`);
    const long = exampleWorkflow(
      Object.fromEntries(ids.map((id) => [id, 'step'])),
      ids.slice(1).map((id, index) => `n${index}.latent -> ${id}.latent`),
    );
    let walks = 0;
    const watched = {
      ...long,
      get edges() {
        walks += 1;
        return long.edges;
      },
    };
    const rule = connectionRule(watched, exampleCatalogue, { output: ['n500', 'latent'] });
    expect(walks).toBeGreaterThan(0);
    walks = 0;
    const allowed = ids.filter((id) => rule([id, 'latent']).ok);
    expect(allowed.length).toBe(499);
    expect(walks).toBe(0);
  });
});
