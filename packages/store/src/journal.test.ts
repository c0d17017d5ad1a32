import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StoreError } from './errors.ts';
import { type Journal, type NewRun, openJournal } from './journal.ts';

let folder: string;
let opened: Journal[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-journal-'));
});
afterEach(async () => {
  for (const journal of opened) journal.close();
  opened = [];
  await rm(folder, { recursive: true, force: true });
});

function open(): Journal {
  const journal = openJournal(folder);
  opened.push(journal);
  return journal;
}
function close(journal: Journal): void {
  journal.close();
  opened = opened.filter((other) => other !== journal);
}
function newRun(runId: string, rest: Partial<NewRun> = {}): NewRun {
  return {
    runId,
    workflowJson: `{"name":"${runId}"}`,
    acceptedAtMs: 5,
    event: { runId, seq: 1, json: `{"type":"run.queued"}` },
    ...rest,
  };
}
function errorOf(work: () => unknown): StoreError {
  try {
    work();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('the journal', () => {
  test('J1 J3 runs wait in order, begin, end, and are found after a restart', () => {
    const first = open();
    expect(first.acceptRun(newRun('one', { targets: ['save'] }))).toBe(1);
    expect(first.acceptRun(newRun('two'))).toBe(2);
    expect(first.acceptRun(newRun('three'))).toBe(3);
    expect(first.nextQueued()).toEqual({
      runId: 'one',
      workflowJson: '{"name":"one"}',
      targets: ['save'],
      status: 'queued',
      acceptedAtMs: 5,
    });
    first.setStatus('one', 'running');
    first.finishRun({
      runId: 'one',
      status: 'succeeded',
      stateJson: '{"done":true}',
      events: [{ runId: 'one', seq: 2, json: '{"type":"run.finished"}' }],
    });
    first.setStatus('two', 'running');
    const { serverId } = first;
    close(first);

    const second = open();
    expect(second.serverId).toBe(serverId);
    expect(second.unfinishedRuns().map(({ runId, status }) => [runId, status])).toEqual([
      ['two', 'running'],
      ['three', 'queued'],
    ]);
    second.setStatus('two', 'queued');
    expect(second.nextQueued()?.runId).toBe('two');
    expect(second.getRun('one')).toMatchObject({ status: 'succeeded', stateJson: '{"done":true}' });
    expect(second.runs().map(({ runId }) => runId)).toEqual(['three', 'two', 'one']);
    expect(second.runs({ limit: 1 }).map(({ runId }) => runId)).toEqual(['three']);
    expect(second.runs({ status: 'succeeded' }).map(({ runId }) => runId)).toEqual(['one']);
    expect(second.getRun('nowhere')).toBeUndefined();
    expect(errorOf(() => second.setStatus('nowhere', 'running')).code).toBe('store/unknown-run');
  });

  test('J2 cursors ascend over all runs; an event sent twice is kept once', () => {
    const journal = open();
    journal.acceptRun(newRun('a'));
    journal.acceptRun(newRun('b'));
    expect(
      journal.appendEvents([
        { runId: 'a', seq: 2, json: 'a2' },
        { runId: 'b', seq: 2, json: 'b2' },
      ]),
    ).toEqual([3, 4]);
    expect(
      journal.appendEvents([
        { runId: 'a', seq: 2, json: 'again' },
        { runId: 'a', seq: 3, json: 'a3' },
      ]),
    ).toEqual([3, 6]);
    expect(journal.eventsSince(2, 2)).toEqual([
      { cursor: 3, runId: 'a', seq: 2, json: 'a2' },
      { cursor: 4, runId: 'b', seq: 2, json: 'b2' },
    ]);
    expect(journal.eventsSince(6, 10)).toEqual([]);
    expect(journal.eventsOf('a').map(({ cursor }) => cursor)).toEqual([1, 3, 6]);
    expect(journal.lastCursor()).toBe(6);
    close(journal);
    const later = open();
    later.acceptRun(newRun('c'));
    expect(later.lastCursor()).toBe(7);
  });

  test('J1 a run with a known id, or an event of no run, changes nothing', () => {
    const journal = open();
    journal.acceptRun(newRun('a'));
    expect(errorOf(() => journal.acceptRun(newRun('a'))).code).toBe('store/io');
    expect(errorOf(() => journal.appendEvents([{ runId: 'ghost', seq: 1, json: '' }])).code).toBe('store/io');
    expect(journal.lastCursor()).toBe(1);
  });

  test('J4 a second server on the folder is refused and let in when the first is gone', () => {
    const first = open();
    const refusal = errorOf(() => openJournal(folder));
    expect([refusal.code, refusal.message]).toEqual([
      'store/locked',
      'Another Reelgraph server is using this data folder.',
    ]);
    expect(refusal.hint).toContain('another data folder');
    close(first);
    open();
  });

  test('J1 J4 kill -9 loses no acknowledged run and leaves no lock behind', async () => {
    const program = `
      import { openJournal } from ${JSON.stringify(new URL('./journal.ts', import.meta.url).href)};
      const journal = openJournal(process.argv[1]);
      const from = journal.runs({ limit: 1e6 }).length;
      for (let n = from; ; n += 1) {
        const runId = 'run-' + n;
        journal.acceptRun({ runId, workflowJson: '{}', acceptedAtMs: n, event: { runId, seq: 1, json: '{}' } });
        process.stdout.write(runId + '\\n');
      }`;
    const acknowledged: string[] = [];
    for (let kill = 0; kill < 3; kill += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let seen = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged.push(line);
        seen += 1;
        if (seen === 20 + kill * 7) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
    }
    const journal = open();
    const kept = new Set(journal.runs({ limit: 1_000_000 }).map(({ runId }) => runId));
    expect(acknowledged.filter((runId) => !kept.has(runId))).toEqual([]);
    expect(journal.lastCursor()).toBe(kept.size);
  });

  test('J5 a journal of a newer format is refused and left as it is', () => {
    close(open());
    const path = join(folder, 'journal.sqlite');
    const database = new Database(path);
    database.pragma('user_version = 2');
    database.pragma('journal_mode = DELETE');
    database.close();
    const before = readFileSync(path);
    const refusal = errorOf(() => openJournal(folder));
    expect([refusal.code, refusal.message]).toEqual([
      'store/newer-format',
      'The journal was written by a newer Reelgraph (format 2; this one reads 1).',
    ]);
    expect(readFileSync(path)).toEqual(before);
    expect(existsSync(`${path}-wal`)).toBe(false);
  });

  test('J5 a file that is no journal is refused and left as it is', () => {
    const path = join(folder, 'journal.sqlite');
    writeFileSync(
      path,
      'something else entirely, and long enough to be looked at as a database header'.repeat(20),
    );
    const before = readFileSync(path);
    expect(errorOf(() => openJournal(folder)).code).toBe('store/not-a-store');
    expect(readFileSync(path)).toEqual(before);
  });

  test('J3 hundreds of runs and thousands of events are kept', () => {
    const journal = open();
    for (let n = 0; n < 300; n += 1) journal.acceptRun(newRun(`r${n}`));
    journal.appendEvents(
      Array.from({ length: 20_000 }, (_, n) => ({ runId: 'r0', seq: n + 2, json: '{"type":"node.cached"}' })),
    );
    expect(journal.nextQueued()?.runId).toBe('r0');
    expect(journal.runs().length).toBe(100);
    expect(journal.lastCursor()).toBe(20_300);
  });

  test('J7 a flush resolves for everybody who asked, also before anything was written and while one is under way', async () => {
    const journal = open();
    await journal.flush();
    journal.acceptRun(newRun('a'));
    const first = journal.flush();
    journal.acceptRun(newRun('b'));
    await Promise.all([first, journal.flush(), journal.flush()]);
    expect(journal.unfinishedRuns().map(({ runId }) => runId)).toEqual(['a', 'b']);
  });

  test('J7 a long log is copied into the database beside the journal, which goes on and loses nothing', async () => {
    const journal = open();
    journal.acceptRun(newRun('a'));
    const database = join(folder, 'journal.sqlite');
    const json = JSON.stringify('x'.repeat(100_000));
    const copiedBefore = statSync(database).size;
    let seq = 2;
    // 2 MB a round; after 8 MB another thread copies, whenever it has its turn.
    while (statSync(database).size < copiedBefore + 4_000_000) {
      journal.appendEvents(Array.from({ length: 20 }, () => ({ runId: 'a', seq: seq++, json })));
      await journal.flush();
    }
    expect(journal.eventsOf('a').length).toBe(seq - 1);
    close(journal);
    expect(open().eventsOf('a').length).toBe(seq - 1);
  });

  test('J8 forgets the oldest runs that have ended, with their events; no cursor or id comes back', () => {
    const journal = open();
    for (const runId of ['one', 'two', 'three', 'waits', 'four']) journal.acceptRun(newRun(runId));
    for (const runId of ['one', 'two', 'three', 'four']) {
      const events = [{ runId, seq: 2, json: '{"type":"run.finished"}' }];
      journal.finishRun({ runId, status: 'succeeded', stateJson: '{}', events });
    }
    const last = journal.lastCursor();
    expect(journal.pruneRuns({ keep: 2 })).toBe(2);
    expect(journal.runs().map(({ runId }) => runId)).toEqual(['four', 'waits', 'three']);
    expect([journal.getRun('one'), journal.eventsOf('one')]).toEqual([undefined, []]);
    expect(journal.eventsSince(0, 100).map(({ runId }) => runId)).toEqual([
      'three',
      'waits',
      'four',
      'three',
      'four',
    ]);
    expect(journal.pruneRuns({ keep: 2 })).toBe(0);
    // Also the newest event may go: who has seen it must not find himself beyond the end.
    expect(journal.pruneRuns({ keep: 0 })).toBe(2);
    expect(journal.lastCursor()).toBe(last);
    close(journal);
    const later = open();
    expect(later.lastCursor()).toBe(last);
    expect(later.unfinishedRuns().map(({ runId }) => runId)).toEqual(['waits']);
    expect(later.acceptRun(newRun('five'))).toBe(last + 1);
  });
});
