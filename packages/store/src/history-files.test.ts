import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesOfHistory } from './history-files.ts';
import { openJournal } from './journal.ts';

test('G2 the files of the history are those that the journal mentions, also while a server writes it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelgraph-history-'));
  const digest = (letter: string) => letter.repeat(64);
  const file = (letter: string) => JSON.stringify({ file: { digest: digest(letter), name: 'a.mp4' } });
  try {
    expect(filesOfHistory(folder)).toEqual(new Set());
    const journal = openJournal(folder);
    try {
      const accept = { runId: 'r', workflowJson: '{}', acceptedAtMs: 1 };
      journal.commit([{ accept, event: { runId: 'r', seq: 1, json: '{}' } }]);
      journal.commit([{ event: { runId: 'r', seq: 2, json: file('a') } }]);
      expect(filesOfHistory(folder)).toEqual(new Set([digest('a')]));
      const end = { runId: 'r', seq: 3, json: '{}' };
      journal.commit([{ event: end, status: 'succeeded', stateJson: file('b') }]);
      expect(filesOfHistory(folder)).toEqual(new Set([digest('a'), digest('b')]));
    } finally {
      journal.close();
    }
    await writeFile(join(folder, 'journal.sqlite'), 'no journal');
    for (const ending of ['-wal', '-shm']) await rm(join(folder, `journal.sqlite${ending}`), { force: true });
    expect(filesOfHistory(folder)).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
