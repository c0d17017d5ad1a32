/** Folders with a manifest: how they are known, and what is said when one is not whole. */
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createModelService } from '@reelgraph/inference';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

let models: string;
beforeEach(async () => {
  models = await mkdtemp(join(tmpdir(), 'reelgraph-packages-'));
});
afterEach(() => rm(models, { recursive: true, force: true }));

/** A copy of a package, without its cases, under a name. */
async function install(from: string, name: string): Promise<string> {
  const folder = join(models, name);
  await cp(join(import.meta.dirname, from), folder, {
    recursive: true,
    filter: (path) => basename(path) !== 'cases',
  });
  return folder;
}

async function installed() {
  const service = await createModelService({ roots: [models], threads: 1 });
  try {
    return { list: service.installed(), facts: service.inferContext().models };
  } finally {
    await service.dispose();
  }
}

async function change(folder: string, edit: (manifest: Record<string, unknown>) => void): Promise<void> {
  const file = join(folder, 'manifest.json');
  const manifest: Record<string, unknown> = JSON.parse(await readFile(file, 'utf8'));
  edit(manifest);
  await writeFile(file, JSON.stringify(manifest));
}

describe('a folder with a manifest', () => {
  it('is known by its graphs, and its rules follow from its configs', async () => {
    await install('wan-t2v', 'my-wan');
    await install('ltx', 'my-ltx');
    const { list, facts } = await installed();
    expect(list.map(({ name, family, status }) => [name, family, status])).toEqual([
      ['my-ltx', 'ltx', 'ready'],
      ['my-wan', 'wan', 'ready'],
    ]);
    expect(facts.get('my-wan')).toMatchObject({
      latentChannels: 16,
      vaeScale: { spatial: 8, temporal: 4 },
      sizeMultiple: 16,
      frameRule: { multiple: 4, plus: 1 },
      secondExpert: {},
      readsFrames: false,
    });
    expect(facts.get('my-ltx')).toMatchObject({
      latentChannels: 8,
      vaeScale: { spatial: 8, temporal: 8 },
      sizeMultiple: 8,
      frameRule: { multiple: 8, plus: 1 },
      decoderNoise: true,
    });
  });

  it('says when the second network takes over, where its manifest does', async () => {
    const folder = await install('wan-t2v', 'moe');
    await change(folder, (manifest) => Object.assign(manifest.config ?? {}, { boundary_ratio: 0.9 }));
    expect((await installed()).facts.get('moe')?.secondExpert).toEqual({ boundary: 0.9 });
  });

  it('lays its steps by the scheduler it brings', async () => {
    const folder = await install('wan-t2v', 'shifted');
    await mkdir(join(folder, 'scheduler'));
    const config = { _class_name: 'FlowMatchEulerDiscreteScheduler', shift: 8 };
    await writeFile(join(folder, 'scheduler/scheduler_config.json'), JSON.stringify(config));
    expect((await installed()).facts.get('shifted')?.recommended.scheduler).toEqual(config);
  });

  it.each([
    ['transformer.onnx', 'transformer.onnx'],
    ['vae_decoder.onnx', 'vae_decoder.onnx'],
    ['tokenizer/tokenizer.json', 'tokenizer/tokenizer.json'],
  ])('without %s is not usable, and the file is named', async (file, named) => {
    const folder = await install('ltx', 'torn');
    await rm(join(folder, file));
    const [found] = (await installed()).list;
    expect(found).toMatchObject({ name: 'torn', status: 'damaged' });
    expect(found?.problem).toContain(named);
    expect(found?.problem).toContain('missing');
  });

  it.each([
    [
      'a graph that it does not list',
      (manifest: Record<string, unknown>) => {
        const { text_encoder: _, ...components } = manifest.components as Record<string, unknown>;
        manifest.components = components;
      },
      'lists no text_encoder',
    ],
    [
      'a config that is not there',
      (manifest: Record<string, unknown>) => {
        manifest.config = {};
      },
      'has no config of its transformer',
    ],
    [
      'a scheduler that nobody knows',
      (manifest: Record<string, unknown>) => {
        manifest.config = { ...(manifest.config as object), scheduler: { _class_name: 'Unheard' } };
      },
      'Unheard',
    ],
    [
      'a path out of its folder',
      (manifest: Record<string, unknown>) => {
        manifest.components = { transformer: { file: '../elsewhere/transformer.onnx' } };
      },
      'components.transformer.file',
    ],
  ])('with %s is refused', async (_, edit, says) => {
    await change(await install('wan-t2v', 'wrong'), edit);
    const [found] = (await installed()).list;
    expect(found).toMatchObject({ name: 'wrong', status: 'damaged' });
    expect(found?.problem).toContain(says);
  });
});
