import { describe, expect, test } from 'vitest';
import { reasonText, runSummary } from './reasons.ts';
import type { NodeRunState } from './run-events.ts';

describe('why a node ran', () => {
  test.each([
    [{ code: 'never-computed' }, 'for the first time'],
    [{ code: 'param-changed', name: 'seed', from: '7', to: '8' }, 'because Seed changed from 7 to 8'],
    [{ code: 'param-changed', name: 'steps' }, 'because steps changed'],
    [{ code: 'input-changed', name: 'latent' }, 'because what comes in at Latent changed'],
    [
      { code: 'model-changed', name: 'model', from: 'toy 0a', to: 'toy 0b' },
      'because the model changed from toy 0a to toy 0b',
    ],
    [{ code: 'workflow-changed' }, 'because the workflow saved inside the video changed'],
    [{ code: 'evicted' }, 'because its kept result had made room for others'],
    [
      { code: 'memory-only' },
      'because its result was kept in memory only, and the program has been started anew',
    ],
    [{ code: 'lost' }, 'because its kept result is no longer there'],
    [{ code: 'damaged' }, 'because its kept result was damaged'],
    [{ code: 'not-cacheable' }, 'because its result is never kept'],
  ] as const)('%j: %s', (because, text) => {
    const labels: Record<string, string> = { seed: 'Seed', latent: 'Latent' };
    const labelOf = (name: string) => labels[name];
    expect(reasonText(because, { param: labelOf, input: labelOf })).toBe(text);
  });

  test('a run is summed up by the change that set it off', () => {
    const node = (code: 'param-changed' | 'input-changed', name: string): NodeRunState => ({
      status: 'finished',
      because: { code, name, ...(code === 'param-changed' ? { from: '7', to: '8' } : {}) },
    });
    const nodes = {
      model: { status: 'cached' },
      decode: node('input-changed', 'latent'),
      denoise: node('param-changed', 'seed'),
    } as const;
    expect(runSummary({ nodes })).toBe('2 ran (because seed changed from 7 to 8), 1 from the cache');
    expect(runSummary({ nodes: { model: { status: 'waiting' } } })).toBe('');
    const labels = { denoise: { param: () => 'Seed' } };
    const labelsOf = (id: string) => (id === 'denoise' ? labels.denoise : undefined);
    expect(runSummary({ nodes }, labelsOf)).toBe(
      '2 ran (because Seed changed from 7 to 8), 1 from the cache',
    );
  });

  test('what a person changed comes before what a restart forgot, in any order of the nodes', () => {
    const ran = (because: NodeRunState['because']): NodeRunState => ({
      status: 'finished',
      ...(because === undefined ? {} : { because }),
    });
    const model = ran({ code: 'memory-only' });
    const seed = ran({ code: 'param-changed', name: 'seed', from: '7', to: '8' });
    const decode = ran({ code: 'input-changed', name: 'latent' });
    expect(runSummary({ nodes: { model, seed } })).toBe('2 ran (because seed changed from 7 to 8)');
    expect(runSummary({ nodes: { seed, model, decode } })).toBe('3 ran (because seed changed from 7 to 8)');
    expect(runSummary({ nodes: { model, decode } })).toBe('2 ran (because what comes in at latent changed)');
    expect(runSummary({ nodes: { model } })).toContain('memory only');
  });
});
