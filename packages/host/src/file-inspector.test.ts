import { mkdtemp, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Workflow, workflowSchema } from '@reelgraph/graph';
import { readPart } from '@reelgraph/media';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createFileInspector, filesNamedBy } from './file-inspector.ts';
import { createInputFiles } from './input-files.ts';

let folder: string;
let looked: string[];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'reelgraph-facts-'));
  looked = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const files = () => createInputFiles([{ folder }]);
/** Says of a file how many bytes it has. */
const inspector = () =>
  createFileInspector(async (file) => {
    const text = Buffer.from(await readPart(file, 0, 100)).toString();
    looked.push(text);
    if (text === 'fails') throw new Error('the worker died');
    return { kind: 'image', mediaType: 'image/png', widthPx: text.length, heightPx: 1, hasAlpha: false };
  });

describe('facts of input files', () => {
  it('a content is looked at once, whatever its name and however often it is asked for', async () => {
    await writeFile(join(folder, 'a.png'), 'same');
    await writeFile(join(folder, 'b.png'), 'same');
    const { factsOf } = inspector();
    expect((await factsOf(['a.png', 'b.png', 'a.png'], files())).get('b.png')).toMatchObject({ widthPx: 4 });
    await factsOf(['a.png'], files());
    expect(looked).toEqual(['same']);
  });

  it('a file with other bytes is looked at again, one that was only touched is not', async () => {
    const path = join(folder, 'a.png');
    await writeFile(path, 'one');
    const { factsOf } = inspector();
    await factsOf(['a.png'], files());
    await utimes(path, new Date(0), new Date(0));
    await factsOf(['a.png'], files());
    await writeFile(path, 'three');
    expect((await factsOf(['a.png'], files())).get('a.png')).toMatchObject({ widthPx: 5 });
    expect(looked).toEqual(['one', 'three']);
  });

  it.each([['/home/me/clip.mp4'], ['C:\\clips\\clip.mp4'], ['~/clip.mp4'], ['../clip.mp4']])(
    'of the path %s it says how files come in, and not whether one is there',
    async (path) => {
      const message = (await inspector().factsOf([path], files())).get(path);
      expect(message).toMatchObject({ kind: 'unusable', code: 'file/not-found' });
      expect(JSON.stringify(message)).toContain('--set <input>=<file>');
      expect(JSON.stringify(message)).toContain('inputs/<file>');
      expect(JSON.stringify(message)).not.toContain('There is no');
      const existing = join(folder, 'a.png');
      await writeFile(existing, 'one');
      const facts = await inspector().factsOf([existing, `${existing}x`], files());
      const without = (text: unknown, name: string) =>
        JSON.stringify(text).replace(JSON.stringify(name).slice(1, -1), '');
      expect(without(facts.get(existing), existing)).toBe(without(facts.get(`${existing}x`), `${existing}x`));
    },
  );

  it('of a name that may be looked for it says that there is none', async () => {
    expect((await inspector().factsOf(['b.png'], files())).get('b.png')).toMatchObject({
      message: 'There is no input file "b.png". Choose the file again.',
    });
  });

  it('a file may be as large as what begins like it', async () => {
    await writeFile(join(folder, 'a.png'), '\x89PNG');
    await writeFile(join(folder, 'a.mp4'), '\0\0\0\x20ftypisom');
    for (const name of ['a.png', 'a.mp4']) await truncate(join(folder, name), 64 * 1024 * 1024 + 1);
    const facts = await inspector().factsOf(['a.png', 'a.mp4'], files());
    expect(facts.get('a.png')).toEqual({
      kind: 'unusable',
      code: 'file/too-large',
      message: 'The input file "a.png" is larger than 64 MiB.',
    });
    expect(facts.get('a.mp4')).toMatchObject({ kind: 'image', widthPx: 100 });
    vi.stubEnv('REELGRAPH_INPUT_VIDEO', '64M');
    try {
      const again = await inspector().factsOf(['a.mp4'], files());
      expect(again.get('a.mp4')).toMatchObject({ kind: 'unusable', code: 'file/too-large' });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('a missing file is told, a look that failed tells nothing and is tried again', async () => {
    await writeFile(join(folder, 'a.png'), 'fails');
    const { factsOf } = inspector();
    const facts = await factsOf(['a.png', '../a.png', 'gone.png'], files());
    expect(facts.has('a.png')).toBe(false);
    expect(facts.get('gone.png')).toMatchObject({ kind: 'unusable', code: 'file/not-found' });
    expect(facts.get('../a.png')).toMatchObject({ kind: 'unusable', code: 'file/not-found' });
    await factsOf(['a.png'], files());
    expect(looked).toEqual(['fails', 'fails']);
  });
});

it('finds the file params of nodes, subgraphs and their instances', () => {
  const info = {
    type: 'load',
    version: 1,
    title: 'Load',
    description: '',
    category: '',
    synonyms: [],
    inputs: {},
    outputs: {},
    params: {
      file: { kind: 'file', label: '', description: '', default: '', accept: 'image' },
      note: { kind: 'text', label: '', description: '', default: 'no file', multiline: false, maxLength: 9 },
    },
    preview: 'none',
    isOutput: false,
  } as const;
  const load = (file?: string) => ({ type: 'load', version: 1, params: file === undefined ? {} : { file } });
  const workflow: Workflow = workflowSchema.parse({
    reelgraph: 1,
    name: 'files',
    nodes: {
      a: load('a.png'),
      b: load(),
      i: { type: 'subgraph:s', version: 1, params: { picture: 'c.png' } },
    },
    edges: [],
    subgraphs: {
      s: {
        title: '',
        nodes: { x: load('b.png') },
        edges: [],
        inputs: {},
        outputs: {},
        params: { picture: { node: 'x', param: 'file' } },
      },
    },
  });
  const catalogue = new Map([['load', { ...info, synonyms: [] }]]);
  expect([...filesNamedBy(workflow, catalogue)].sort()).toEqual(['a.png', 'b.png', 'c.png']);
});
