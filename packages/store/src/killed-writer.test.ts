import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { digestOf } from './blobs.ts';
import { openStore } from './store.ts';

const keyOf = (name: string): string => digestOf(new TextEncoder().encode(name));

test('B2 B6 kill -9 while results are written: what was acknowledged is there, nothing is half there', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'reelgraph-killed-'));
  const program = `
    import { openStore } from ${JSON.stringify(new URL('./store.ts', import.meta.url).href)};
    import { digestOf } from ${JSON.stringify(new URL('./blobs.ts', import.meta.url).href)};
    const [, folder, round] = process.argv;
    const store = await openStore(folder);
    for (let n = 0; ; n += 1) {
      const name = round + '-' + n;
      const data = new Float32Array(50_000).fill(n);
      const outputs = { out: { dtype: 'float32', shape: [data.length], data }, name };
      const key = digestOf(new TextEncoder().encode(name));
      await store.saveResult({ key, nodeType: 't', computedAtMs: 0, durationMs: 0, parts: { version: 1, params: {}, inputs: {} }, summaries: {}, outputs });
      process.stdout.write(name + '\\n');
    }`;
  try {
    const acknowledged: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, folder, `r${round}`], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let seen = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        acknowledged.push(line);
        seen += 1;
        if (seen === 5 + round * 3) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      expect(child.signalCode).toBe('SIGKILL');
    }
    const store = await openStore(folder);
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
    for (const name of acknowledged) {
      const loaded = await store.loadResult(keyOf(name));
      expect({ name, outputs: loaded.status === 'found' ? loaded.outputs.name : loaded.status }).toEqual({
        name,
        outputs: name,
      });
    }
    // The one being written when the process died is whole or not there.
    for (let round = 0; round < 4; round += 1) {
      const next = acknowledged.filter((name) => name.startsWith(`r${round}-`)).length;
      expect(['found', 'missing']).toContain((await store.loadResult(keyOf(`r${round}-${next}`))).status);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
