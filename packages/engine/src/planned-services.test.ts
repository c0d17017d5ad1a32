import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineNode, type ModelRef } from '@reelgraph/node-api';
import { createFakeFiles } from '@reelgraph/node-api/testing';
import { openStore } from '@reelgraph/store';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { absentServices } from './absent-services.ts';
import { document, registryOf, shown, testEngine } from './example-nodes.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-planned-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const text = { type: 'text', label: 'Text', description: '' } as const;
const common = {
  version: 1,
  description: '',
  category: 'Test',
  inputs: {},
  outputs: { text },
  cache: 'disk',
  lane: 'cpu',
  isOutput: true,
} as const;
/** Gives the words in a file. */
const reader = defineNode({
  ...common,
  type: 'reader',
  title: 'Reader',
  params: { file: { kind: 'file', label: 'File', description: '', default: 'a.txt', accept: 'image' } },
  run: async ({ params, ctx }) => ({ text: new TextDecoder().decode(await ctx.files.read(params.file)) }),
});
/** Gives the digest of a model. */
const namer = defineNode({
  ...common,
  type: 'namer',
  title: 'Namer',
  params: { model: { kind: 'model', label: 'Model', description: '', default: 'toy' } },
  run: async ({ params, ctx }) => ({ text: (await ctx.models.resolve(params.model, ctx.signal)).digest }),
});

describe('what is computed belongs to what was planned', () => {
  test('K7 a file that changes between plan and read fails the node; nothing is kept under the old bytes', async () => {
    const contents = ['old', 'new'];
    const files = createFakeFiles(async () => new TextEncoder().encode(contents.shift() ?? 'old'));
    const engine = testEngine(registryOf(reader), { files, store: await openStore(folder) });
    const workflow = document({ r: ['reader'] });
    const result = await engine.run(workflow);
    expect([result.status, result.error]).toEqual([
      'failed',
      {
        code: 'file/changed',
        message: 'The file "a.txt" changed while the run began.',
        hint: 'Run again.',
      },
    ]);
    // The old words are back.
    const again = await engine.run(workflow);
    expect([again.story, shown(again, 'r', 'text')]).toEqual([['started r', 'finished r'], 'old']);
    expect((await engine.run(workflow)).story).toEqual(['cached r']);
  });

  test('K7 so does one that is read piece by piece, when it has all been read', async () => {
    const contents = ['old', 'new'];
    const files = createFakeFiles(async () => new TextEncoder().encode(contents.shift() ?? 'old'));
    let read = '';
    const streamer = defineNode({
      ...common,
      type: 'streamer',
      title: 'Streamer',
      params: { file: { kind: 'file', label: 'File', description: '', default: 'a.mp4', accept: 'video' } },
      async run({ params, ctx }) {
        read = '';
        for await (const piece of ctx.files.stream(params.file)) read += new TextDecoder().decode(piece);
        return { text: read };
      },
    });
    const engine = testEngine(registryOf(streamer), { files, store: await openStore(folder) });
    const workflow = document({ s: ['streamer'] });
    expect((await engine.run(workflow)).error).toMatchObject({ code: 'file/changed' });
    expect(read).toBe('new');
    expect(shown(await engine.run(workflow), 's', 'text')).toBe('old');
  });

  test('K7 a file that could not be read while planning may be there by now: it runs, and is not kept', async () => {
    let reads = 0;
    const files = createFakeFiles(async () => {
      reads += 1;
      if (reads % 2 === 1) throw new Error('not yet');
      return new TextEncoder().encode('here');
    });
    const engine = testEngine(registryOf(reader), { files, store: await openStore(folder) });
    const workflow = document({ r: ['reader'] });
    for (let run = 0; run < 2; run += 1) {
      const result = await engine.run(workflow);
      expect([result.story, shown(result, 'r', 'text')]).toEqual([['started r', 'finished r'], 'here']);
    }
  });

  test('K7 a model that is exchanged between plan and run fails the node', async () => {
    const digests = ['1', '2', '2', '2'];
    const resolve = async (name: string): Promise<ModelRef> => ({
      name,
      family: 'toy',
      digest: (digests.shift() ?? '').repeat(64),
    });
    const engine = testEngine(registryOf(namer), { models: { ...absentServices.models, resolve } });
    const workflow = document({ m: ['namer'] });
    expect((await engine.run(workflow)).error).toMatchObject({ code: 'model/changed', hint: 'Run again.' });
    expect(shown(await engine.run(workflow), 'm', 'text')).toBe('2'.repeat(64));
  });
});
