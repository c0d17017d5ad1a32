import { describe, expect, expectTypeOf, it } from 'vitest';
import { type CallAnswer, type CallParams, callPath, callSpecs } from './call-types.ts';

describe('callPath', () => {
  it('fills the params of a path', () => {
    expect(callPath('cancelRun', { runId: 'abc' })).toBe('/api/v1/runs/abc/cancel');
    expect(callPath('listRuns', {})).toBe('/api/v1/runs');
  });

  it('encodes what would change the path', () => {
    expect(callPath('getWorkflow', { id: '../../etc' })).toBe('/api/v1/workflows/..%2F..%2Fetc');
  });

  it('refuses an empty param, which would name another call', () => {
    expect(() => callPath('getRun', { runId: '' })).toThrow(/runId/);
  });
});

it('every call has a path of its own for its method', () => {
  const routes = Object.values(callSpecs).map((spec) => `${spec.method} ${spec.path}`);
  expect(new Set(routes).size).toBe(routes.length);
});

it('types follow from the map', () => {
  expectTypeOf<CallParams<'getRun'>>().toEqualTypeOf<{ readonly runId: string }>();
  expectTypeOf<CallAnswer<'startRun'>>().toEqualTypeOf<{ runId: string }>();
});
