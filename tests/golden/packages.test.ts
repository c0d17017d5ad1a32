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

  it('that makes clips of pictures says which it needs', async () => {
    await install('wan-i2v', 'first');
    await install('wan-flf2v', 'both');
    const { list, facts } = await installed();
    expect(list.map(({ status }) => status)).toEqual(['ready', 'ready']);
    expect(facts.get('first')).toMatchObject({ latentChannels: 16, needsPictures: 'first' });
    expect(facts.get('both')?.needsPictures).toBe('both');
  });

  it('of Wan 2.2 has no image encoder, and may be given a last picture', async () => {
    const folder = await install('wan-i2v', 'no-clip');
    await change(folder, (manifest) => {
      const components = manifest.components as Record<string, { inputs: { name: string }[] }>;
      delete components.image_encoder;
      const inputs = components.transformer!.inputs;
      components.transformer!.inputs = inputs.filter(({ name }) => name !== 'encoder_hidden_states_image');
    });
    expect((await installed()).facts.get('no-clip')?.needsPictures).toBe('first-or-both');
  });

  it('whose image encoder was lost is damaged', async () => {
    const folder = await install('wan-i2v', 'lost');
    await change(folder, (manifest) => {
      delete (manifest.components as Record<string, unknown>).image_encoder;
    });
    expect((await installed()).list[0]?.problem).toContain('image_encoder is missing');
  });

  it('of a kind that is not run yet is not called damaged', async () => {
    await install('waiting/cogvideox-i2v', 'cog');
    const control = await install('wan-i2v', 'control');
    await change(control, (manifest) => {
      Object.assign((manifest.config as { transformer: object }).transformer, { in_channels: 48 });
    });
    const { list } = await installed();
    expect(list.map(({ problem }) => problem)).toEqual([
      'Model "cog" is an image-to-video model of CogVideoX, which Reelgraph does not run yet.',
      'Model "control" is of a kind of Wan that reads more than pictures beside the clip (48 channels), which Reelgraph does not run yet.',
    ]);
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
