import {
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf, openStore } from '@reelgraph/store';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cachePruneCommand, cacheStatsCommand, cacheVerifyCommand } from './cache-command.ts';
import type { Output } from './reporters.ts';

let data: string;
let film: string;
const keyOf = (name: string) => digestOf(new TextEncoder().encode(name));

/** A cache with a film of 300 kB that took 2 s, and pictures of 200 kB that took a minute. */
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'reelgraph-cache-command-'));
  // Long ago, so that nothing counts as in use.
  const store = await openStore(join(data, 'artifacts'), { now: () => 1000 });
  const video = await store.putBytes(new Uint8Array(300_000).fill(7));
  film = video.digest;
  const keep = (name: string, durationMs: number, outputs: Record<string, unknown>) =>
    store.saveResult({
      key: keyOf(name),
      nodeType: name,
      computedAtMs: 0,
      durationMs,
      parts: { version: 1, params: {}, inputs: {} },
      summaries: {},
      outputs,
    });
  await keep('mux', 2000, { video: { kind: 'file', ...video, mediaType: 'video/mp4', name: 'a.mp4' } });
  const pixels = new Float32Array(50_000).fill(1);
  await keep('denoise', 60_000, { out: { dtype: 'float32', shape: [pixels.length], data: pixels } });
  store.close();
});
afterEach(() => rm(data, { recursive: true, force: true }));

function record(): { output: Output; text: () => string } {
  let text = '';
  const write = (more: string) => {
    text += more;
  };
  return { output: { write, columns: undefined }, text: () => text };
}
/** A history that shows the film, as a server writes it. */
function showInHistory(): void {
  const database = new Database(join(data, 'journal.sqlite'));
  database.exec(`CREATE TABLE events (json TEXT)`);
  database.prepare(`INSERT INTO events VALUES (?)`).run(JSON.stringify({ file: { digest: film } }));
  database.close();
}

it('stats: what is kept and what it took', async () => {
  showInHistory();
  const { output, text } = record();
  expect(await cacheStatsCommand({ data }, output)).toBe(0);
  expect(text()).toMatch(/in all +4\d\d\.\d KiB of 20\.0 GiB/);
  expect(text()).toMatch(/shown by the history +1, 293\.0 KiB/);
  expect(text()).toMatch(/denoise +1, 19\d\.\d KiB, 1 min to compute/);
  const json = record();
  await cacheStatsCommand({ data, json: true }, json.output);
  expect(JSON.parse(json.text())).toMatchObject({
    results: 2,
    blobs: 2,
    loose: { count: 0 },
    history: { files: 1, bytes: 300_000, gone: 0 },
    byNodeType: [{ nodeType: 'mux' }, { nodeType: 'denoise', costMs: 60_000 }],
  });
});

it('verify: exit code 4 and the damaged by name; what is left is whole', async () => {
  const good = record();
  expect(await cacheVerifyCommand({ data }, good.output)).toBe(0);
  expect(good.text()).toMatch(/^2 results and 2 blobs, .*: all whole\.\n$/);
  const path = join(data, 'artifacts/blobs', film.slice(0, 2), film);
  writeFileSync(path, readFileSync(path).fill(1, 99, 100));
  const { output, text } = record();
  expect(await cacheVerifyCommand({ data }, output)).toBe(4);
  expect(text()).toContain(`blob ${film}: its bytes changed\n`);
  expect(text()).toContain(`record ${keyOf('mux')}: a part is missing\n`);
  expect(readdirSync(join(data, 'artifacts/quarantine'))).toHaveLength(2);
  expect(await cacheVerifyCommand({ data }, record().output)).toBe(0);
});

it('prune: the cheap goes first, a dry run removes nothing', async () => {
  const dry = record();
  expect(await cachePruneCommand({ data, to: '300K', dryRun: true }, dry.output)).toBe(0);
  expect(dry.text()).toMatch(/^1 results \(293\.\d KiB\) that took 2\.0 s to compute would be removed/);
  expect(await cacheVerifyCommand({ data }, record().output)).toBe(0);
  const { output, text } = record();
  expect(await cachePruneCommand({ data, to: '300K', json: true }, output)).toBe(0);
  expect(JSON.parse(text())).toMatchObject({
    isReached: true,
    evicted: [{ key: keyOf('mux'), nodeType: 'mux' }],
    keptForHistory: 0,
  });
});

it('prune: what the history shows stays, and is said; --with-history removes it', async () => {
  showInHistory();
  const { output, text } = record();
  expect(await cachePruneCommand({ data, to: '0' }, output)).toBe(1);
  expect(text()).toMatch(/1 results .* removed; 293\.\d KiB left of 0 B\.\n1 results stay: the history/);
  expect(await cachePruneCommand({ data, to: '0', withHistory: true }, record().output)).toBe(0);
  const stats = record();
  await cacheStatsCommand({ data }, stats.output);
  expect(stats.text()).toMatch(/shown, but gone +1; running again makes them anew/);
});

it('checkpoints: stats counts them, verify names the damaged, prune removes the old', async () => {
  const path = (name: string) => join(data, `artifacts/checkpoints/${keyOf(name)}.a.checkpoint`);
  const store = await openStore(join(data, 'artifacts'));
  for (const name of ['fresh', 'old', 'spoiled']) {
    await store.checkpoints.open(keyOf(name)).save({ step: 2, state: { name } });
  }
  store.close();
  const bytes = ['fresh', 'old', 'spoiled'].reduce((sum, name) => sum + statSync(path(name)).size, 0);
  const dayBefore = Date.now() / 1000 - 30 * 60 * 60;
  utimesSync(path('old'), dayBefore, dayBefore);

  const stats = record();
  await cacheStatsCommand({ data }, stats.output);
  expect(stats.text()).toMatch(new RegExp(`^ {2}checkpoints +3, ${bytes} B, beside the budget$`, 'm'));
  const json = record();
  await cacheStatsCommand({ data, json: true }, json.output);
  expect(JSON.parse(json.text())).toMatchObject({ checkpoints: { count: 3, bytes } });

  truncateSync(path('spoiled'), 60);
  const verified = record();
  expect(await cacheVerifyCommand({ data }, verified.output)).toBe(4);
  expect(verified.text()).toMatch(
    /^checkpoint [0-9a-f]{64}: its bytes changed\n2 results and 2 blobs, .*: all whole\./,
  );
  expect(verified.text()).toMatch(
    /\n3 checkpoints, .*: 1 damaged, put away; what they were for begins again\.\n$/,
  );

  // Younger than two weeks: what was interrupted may still go on from it.
  const pruned = record();
  await cachePruneCommand({ data }, pruned.output);
  expect([existsSync(path('old')), pruned.text()]).toEqual([true, expect.not.stringContaining('checkpoint')]);
  const dry = record();
  await cachePruneCommand({ data, withCheckpoints: true, dryRun: true }, dry.output);
  expect([existsSync(path('old')), dry.text()]).toEqual([
    true,
    expect.stringMatching(/^1 old checkpoints \(\d+ B\) would be removed\.$/m),
  ]);
  const done = record();
  await cachePruneCommand({ data, withCheckpoints: true, json: true }, done.output);
  expect(JSON.parse(done.text())).toMatchObject({ checkpoints: { count: 1 } });
  expect([existsSync(path('old')), existsSync(path('fresh'))]).toEqual([false, true]);
});

it('says what it cannot understand or find', async () => {
  const { output } = record();
  await expect(cachePruneCommand({ data, to: 'much' }, output)).rejects.toMatchObject({ exitCode: 2 });
  await expect(cacheStatsCommand({ data: join(data, 'nowhere') }, output)).rejects.toMatchObject({
    exitCode: 4,
    code: 'cache/not-found',
  });
});
