import { describe, expect, it } from 'vitest';
import { createClient } from './client.ts';
import { ApiError } from './errors.ts';

interface Seen {
  url: string;
  method: string | undefined;
  headers: Headers;
  body: unknown;
}

/** A client whose server answers every call the same. */
function clientThatGets(status: number, body: string, token?: string) {
  const seen: Seen[] = [];
  const client = createClient({
    baseUrl: 'http://127.0.0.1:7860/',
    ...(token === undefined ? {} : { token }),
    fetch: async (input, init) => {
      seen.push({
        url: String(input),
        method: init?.method,
        headers: new Headers(init?.headers),
        body: init?.body,
      });
      return new Response(body, { status });
    },
  });
  return { client, seen };
}

describe('a call', () => {
  it('goes to its path with its method and a JSON body', async () => {
    const { client, seen } = clientThatGets(202, '{"runId":"r1"}', 'secret');
    expect(await client.startRun({ a: 1 }, { targets: ['save'] })).toEqual({ runId: 'r1' });
    expect(seen[0]).toMatchObject({
      url: 'http://127.0.0.1:7860/api/v1/runs',
      method: 'POST',
      body: '{"workflow":{"a":1},"targets":["save"]}',
    });
    expect(seen[0]?.headers.get('content-type')).toBe('application/json');
    expect(seen[0]?.headers.get('authorization')).toBe('Bearer secret');
  });

  it('that is refused throws the server’s code, sentence and issues', async () => {
    const issue = { code: 'graph/cycle', severity: 'error', message: 'a → b → a', nodeId: 'a' };
    const body = {
      error: { code: 'workflow/invalid', message: 'It has a cycle.', hint: 'Cut it.', issues: [issue] },
    };
    const { client } = clientThatGets(422, JSON.stringify(body));
    const error = await client.startRun({}).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({
      status: 422,
      code: 'workflow/invalid',
      message: 'It has a cycle.',
      hint: 'Cut it.',
      issues: [issue],
    });
  });

  it.each([
    ['a page that is no JSON', 200, '<html>'],
    ['an answer of another shape', 200, '{"run":1}'],
    ['an error of another shape', 500, '{"oops":true}'],
  ])('that gets %s says so', async (_what, status, body) => {
    const { client } = clientThatGets(status, body);
    await expect(client.startRun({})).rejects.toMatchObject({ code: 'client/unexpected-answer' });
  });

  it('that reaches nobody says so, but an abort stays an abort', async () => {
    const client = createClient({
      baseUrl: 'http://127.0.0.1:1',
      fetch: () => Promise.reject(new TypeError('refused')),
    });
    await expect(client.listRuns()).rejects.toMatchObject({
      code: 'client/unreachable',
      status: 0,
      message: 'No server answers at http://127.0.0.1:1.',
    });
    const aborted = AbortSignal.abort(new Error('by the user'));
    await expect(client.listRuns({ signal: aborted })).rejects.toThrow('refused');
  });
});

it.each([
  ['http://me:secret@127.0.0.1:1/', 'No server answers at http://127.0.0.1:1.'],
  ['https://host/reelgraph', 'No server answers at https://host/reelgraph.'],
  ['', 'The server does not answer.'],
])('a server at %j that does not answer is told without passwords', async (baseUrl, message) => {
  const client = createClient({ baseUrl, fetch: () => Promise.reject(new TypeError('refused')) });
  await expect(client.listRuns()).rejects.toMatchObject({ message });
});

it('addresses of bytes carry names safely', () => {
  const { client } = clientThatGets(200, '');
  expect(client.resultUrl('ab', { download: 'my clip.mp4' })).toBe(
    'http://127.0.0.1:7860/api/v1/results/ab?download=my+clip.mp4',
  );
  expect(client.fileUrl('inputs/a b.png')).toBe('http://127.0.0.1:7860/api/v1/files/inputs/a%20b.png');
});
