import type { RunEventBody } from '@reelgraph/graph';
import { expect, it } from 'vitest';
import { createLog, type LogLevel, parseLogLevel, requestScope } from './log.ts';
import { createRunLog } from './run-log.ts';

/** A log and what it has written. */
function written(level: LogLevel) {
  const text: string[] = [];
  const log = createLog(level, { write: (line) => void text.push(line) });
  const lines = () => text.map((line): Record<string, unknown> => JSON.parse(line));
  return { log, lines, text: () => text.join('') };
}

const story: readonly RunEventBody[] = [
  { type: 'run.queued', workflowName: 'a secret title' },
  { type: 'run.assigned', attempt: 1 },
  { type: 'run.started', nodeIds: ['text', 'denoise'] },
  {
    type: 'node.started',
    nodeId: 'text',
    nodeType: 'text-encode',
    lane: 'cpu',
    because: { code: 'param-changed', name: 'prompt', from: 'a secret cat', to: 'a secret dog' },
  },
  { type: 'node.failed', nodeId: 'text', error: { code: 'x/long', message: '"a secret dog" is too long.' } },
  {
    type: 'run.finished',
    status: 'failed',
    durationMs: 12,
    error: { code: 'x/long', message: '"a secret dog" is too long.' },
    failures: [{ nodeId: 'text', code: 'x/long', message: '"a secret dog" is too long.' }],
  },
];
function tell(level: LogLevel) {
  const { log, ...read } = written(level);
  const hear = createRunLog(log);
  for (const [index, body] of story.entries()) hear({ ...body, runId: 'r', seq: index + 1, atMs: 0 });
  return read;
}

it('a run is told with its id, and why it failed with its code', () => {
  expect(tell('info').lines()).toMatchObject([
    { level: 'info', runId: 'r', msg: 'run queued' },
    { level: 'info', runId: 'r', msg: 'run given to a runner', attempt: 1 },
    { level: 'info', runId: 'r', msg: 'run started', nodes: 2 },
    {
      level: 'warn',
      runId: 'r',
      msg: 'run finished',
      status: 'failed',
      code: 'x/long',
      failures: [{ nodeId: 'text', code: 'x/long' }],
    },
  ]);
});

it('what people wrote is in no line above debug', () => {
  expect(tell('info').text()).not.toContain('secret');
  expect(tell('debug').text()).toContain('a secret dog');
});

it('what happens on behalf of a request carries its id, also later', async () => {
  const { log, lines } = written('info');
  await requestScope.run({ requestId: 'q' }, async () => {
    log.info('now');
    await new Promise(setImmediate);
    log.info('later');
  });
  log.info('by itself');
  expect(lines().map(({ msg, requestId }) => [msg, requestId])).toEqual([
    ['now', 'q'],
    ['later', 'q'],
    ['by itself', undefined],
  ]);
});

it('a secret that is logged by mistake is not written', () => {
  const { log, text } = written('info');
  log.info({ token: 'hush', request: { headers: { authorization: 'Bearer hush', cookie: 'hush' } } }, 'x');
  expect(text()).not.toContain('hush');
});

it('a level has one of the known names', () => {
  expect(parseLogLevel('debug')).toBe('debug');
  expect(parseLogLevel('verbose')).toBeUndefined();
});
