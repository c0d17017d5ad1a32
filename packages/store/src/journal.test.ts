import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StoreError } from './errors.ts';
import { type Journal, type JournalEvent, type NewRun, openJournal } from './journal.ts';

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
/** Takes in a run with its first event and answers its cursor. */
function accept(journal: Journal, runId: string, rest: Partial<NewRun> = {}): number | undefined {
  const [cursor] = journal.commit([
    {
      accept: { runId, workflowJson: `{"name":"${runId}"}`, acceptedAtMs: 5, ...rest },
      event: { runId, seq: 1, json: `{"type":"run.queued"}` },
    },
  ]);
  return cursor;
}
const append = (journal: Journal, events: readonly JournalEvent[]) =>
  journal.commit(events.map((event) => ({ event })));
/** Notes where a run stands, with an event that says so. */
function setStatus(journal: Journal, runId: string, status: string, seq: number, stateJson?: string): void {
  const event = { runId, seq, json: `{"type":"${status}"}` };
  journal.commit([{ event, status, ...(stateJson === undefined ? {} : { stateJson }) }]);
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
  test('J1 J3 runs are accepted, begin, end, and are found after a restart', () => {
    const first = open();
    expect(accept(first, 'one', { targets: ['save'], settingsJson: '{"n":{}}' })).toBe(1);
    expect(accept(first, 'two')).toBe(2);
    expect(accept(first, 'three')).toBe(3);
    expect(first.getRun('one')).toEqual({ runId: 'one', status: 'queued', acceptedAtMs: 5 });
    expect(first.getRequest('one')).toEqual({
      workflowJson: '{"name":"one"}',
      settingsJson: '{"n":{}}',
      targets: ['save'],
    });
    setStatus(first, 'one', 'running', 2);
    setStatus(first, 'one', 'succeeded', 3, '{"done":true}');
    setStatus(first, 'two', 'running', 2);
    const { serverId } = first;
    close(first);

    const second = open();
    expect(second.serverId).toBe(serverId);
    expect(second.unfinishedRuns().map(({ runId, status }) => [runId, status])).toEqual([
      ['two', 'running'],
      ['three', 'queued'],
    ]);
    expect(second.getRun('one')).toMatchObject({ status: 'succeeded', stateJson: '{"done":true}' });
    expect(second.getRequest('two')).toEqual({ workflowJson: '{"name":"two"}' });
    expect(second.runs().map(({ runId }) => runId)).toEqual(['three', 'two', 'one']);
    expect(second.runs({ limit: 1 }).map(({ runId }) => runId)).toEqual(['three']);
    expect(second.runIds({ before: 'three', limit: 1 })).toEqual(['two']);
    expect(second.runIds({ limit: 2 })).toEqual(['three', 'two']);
    expect(second.runIds({ status: 'succeeded', limit: 9 })).toEqual(['one']);
    expect([second.getRun('nowhere'), second.getRequest('nowhere')]).toEqual([undefined, undefined]);
  });

  test('J1 of several changes all are made or none', () => {
    const journal = open();
    accept(journal, 'a');
    const error = errorOf(() =>
      journal.commit([
        { event: { runId: 'a', seq: 2, json: '{}' }, status: 'running' },
        { event: { runId: 'ghost', seq: 1, json: '{}' }, status: 'running' },
      ]),
    );
    expect(error.code).toBe('store/io');
    expect([journal.getRun('a')?.status, journal.eventsOf('a').length]).toEqual(['queued', 1]);
    expect(errorOf(() => setStatus(journal, 'ghost', 'running', 1)).code).toBe('store/io');
  });

  test('J3 what tells of the queue is read back in order, without the details of runs that are over', () => {
    const journal = open();
    accept(journal, 'a');
    append(journal, [
      { seq: 0, json: 'paused' },
      { runId: 'a', seq: 2, json: 'node', isDetail: true },
      { runId: 'a', seq: 3, json: 'moved' },
      { seq: 0, json: 'resumed' },
    ]);
    const queueEvents = () => [...journal.queueEvents()].map(({ runId = '', json }) => `${runId} ${json}`);
    const told = ['a {"type":"run.queued"}', ' paused', 'a node', 'a moved', ' resumed'];
    expect(queueEvents()).toEqual(told);
    setStatus(journal, 'a', 'succeeded', 4);
    expect(queueEvents()).toEqual([...told.filter((line) => line !== 'a node'), 'a {"type":"succeeded"}']);
    // Clients hear of runs; the queue as a whole is told in another way.
    expect(journal.eventsSince(1, 2).map(({ json }) => json)).toEqual(['node', 'moved']);
    journal.pruneRuns({ keep: 10 });
    expect(queueEvents()).toEqual([
      'a {"type":"run.queued"}',
      'a moved',
      ' resumed',
      'a {"type":"succeeded"}',
    ]);
  });

  test('J9 a workflow is kept once for all its runs, and goes with the last of them', () => {
    const journal = open();
    const workflowJson = JSON.stringify('x'.repeat(5000));
    const changes = Array.from({ length: 500 }, (_, n) => ({
      accept: { runId: `r${n}`, workflowJson, acceptedAtMs: n },
      event: { runId: `r${n}`, seq: 1, json: '{}' },
    }));
    expect(journal.commit(changes)).toEqual(changes.map((_, n) => n + 1));
    for (let n = 0; n < 500; n += 1) setStatus(journal, `r${n}`, 'succeeded', 2, '{}');
    expect(journal.getRequest('r499')?.workflowJson).toBe(workflowJson);
    const countDocuments = () => {
      const database = new Database(join(folder, 'journal.sqlite'), { readonly: true });
      const row = database.prepare('SELECT COUNT(*) AS count FROM documents').get();
      database.close();
      return row;
    };
    expect(countDocuments()).toEqual({ count: 1 });
    journal.pruneRuns({ keep: 1 });
    expect(countDocuments()).toEqual({ count: 1 });
    journal.pruneRuns({ keep: 0 });
    expect(countDocuments()).toEqual({ count: 0 });
    accept(journal, 'later', { workflowJson });
    expect(journal.getRequest('later')?.workflowJson).toBe(workflowJson);
  });

  test('J10 a journal of the first format is brought to this one and loses nothing', () => {
    const path = join(folder, 'journal.sqlite');
    const old = new Database(path);
    old.exec(readFileSync(new URL('./fixtures/journal-1.sql', import.meta.url), 'utf8'));
    old.close();
    const journal = open();
    expect(journal.serverId).toBe('an-old-server');
    expect(journal.runs().map(({ runId, status }) => [runId, status])).toEqual([
      ['waits', 'queued'],
      ['twin', 'succeeded'],
      ['done', 'succeeded'],
    ]);
    expect(journal.getRequest('done')).toEqual({ workflowJson: '{"name":"w"}', targets: ['save'] });
    expect(journal.getRequest('twin')).toEqual({ workflowJson: '{"name":"w"}' });
    expect([...journal.queueEvents()].map(({ cursor }) => cursor)).toEqual([3, 5, 6, 7]);
    expect(journal.eventsOf('done').map(({ cursor }) => cursor)).toEqual([3, 4, 5]);
    // Cursors 8 and 9 were given and pruned; they do not come back.
    expect(journal.lastCursor()).toBe(9);
    expect(accept(journal, 'new')).toBe(10);
    close(journal);
    expect(open().lastCursor()).toBe(10);
  });

  test('J2 cursors ascend over all runs; an event sent twice is kept once', () => {
    const journal = open();
    accept(journal, 'a');
    accept(journal, 'b');
    expect(
      append(journal, [
        { runId: 'a', seq: 2, json: 'a2' },
        { runId: 'b', seq: 2, json: 'b2' },
      ]),
    ).toEqual([3, 4]);
    expect(
      append(journal, [
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
    accept(later, 'c');
    expect(later.lastCursor()).toBe(7);
  });

  test('J1 a run with a known id, or an event of no run, changes nothing', () => {
    const journal = open();
    accept(journal, 'a');
    expect(errorOf(() => accept(journal, 'a')).code).toBe('store/io');
    expect(errorOf(() => append(journal, [{ runId: 'ghost', seq: 1, json: '' }])).code).toBe('store/io');
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
        journal.commit([{ accept: { runId, workflowJson: '{}', acceptedAtMs: n }, event: { runId, seq: 1, json: '{}' } }]);
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

  test.each(['DELETE', 'WAL'])(
    'J5 a journal of a newer format, kept with %s, is refused and left as it is',
    (mode) => {
      close(open());
      const path = join(folder, 'journal.sqlite');
      const database = new Database(path);
      database.pragma('user_version = 99');
      database.pragma(`journal_mode = ${mode}`);
      database.close();
      const before = [readdirSync(folder), readFileSync(path), statSync(path).mtimeMs];
      const refusal = errorOf(() => openJournal(folder));
      expect([refusal.code, refusal.message]).toEqual([
        'store/newer-format',
        'The journal was written by a newer Reelgraph (format 99; this one reads 2).',
      ]);
      expect([readdirSync(folder), readFileSync(path), statSync(path).mtimeMs]).toEqual(before);
    },
  );

  test('J5 so is one whose newer format is in its log alone', () => {
    close(open());
    const path = join(folder, 'journal.sqlite');
    const newer = new Database(path);
    newer.pragma('wal_autocheckpoint = 0');
    newer.pragma('user_version = 99');
    expect(errorOf(() => openJournal(folder)).code).toBe('store/newer-format');
    expect(newer.pragma('user_version', { simple: true })).toBe(99);
    newer.close();
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
    for (let n = 0; n < 300; n += 1) accept(journal, `r${n}`);
    append(
      journal,
      Array.from({ length: 20_000 }, (_, n) => ({ runId: 'r0', seq: n + 2, json: '{"type":"node.cached"}' })),
    );
    expect(journal.runs().length).toBe(100);
    expect(journal.lastCursor()).toBe(20_300);
  });

  test('J7 a flush resolves for everybody who asked, also before anything was written and while one is under way', async () => {
    const journal = open();
    await journal.flush();
    accept(journal, 'a');
    const first = journal.flush();
    accept(journal, 'b');
    await Promise.all([first, journal.flush(), journal.flush()]);
    expect(journal.unfinishedRuns().map(({ runId }) => runId)).toEqual(['a', 'b']);
  });

  test('J7 a long log is copied into the database beside the journal, which goes on and loses nothing', async () => {
    const journal = open();
    accept(journal, 'a');
    const database = join(folder, 'journal.sqlite');
    const json = JSON.stringify('x'.repeat(100_000));
    const copiedBefore = statSync(database).size;
    let seq = 2;
    // 2 MB a round; after 8 MB another thread copies, whenever it has its turn.
    while (statSync(database).size < copiedBefore + 4_000_000) {
      append(
        journal,
        Array.from({ length: 20 }, () => ({ runId: 'a', seq: seq++, json })),
      );
      await journal.flush();
    }
    expect(journal.eventsOf('a').length).toBe(seq - 1);
    close(journal);
    expect(open().eventsOf('a').length).toBe(seq - 1);
  });

  test('J8 forgets the oldest runs that have ended, with their events; no cursor or id comes back', () => {
    const journal = open();
    for (const runId of ['one', 'two', 'three', 'waits', 'four']) accept(journal, runId);
    for (const runId of ['one', 'two', 'three', 'four']) {
      setStatus(journal, runId, 'succeeded', 2, '{}');
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
    expect(accept(later, 'five')).toBe(last + 1);
  });
});
