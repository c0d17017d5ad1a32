import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, stat, truncate, unlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fromFunction, zeros } from '@reelgraph/tensor';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createModelService, type ModelServiceHandle } from './model-service.ts';
import { deepTextEncoder, textEncoderWithWeightsIn } from './testing/onnx-files.ts';

const fixture = fileURLToPath(new URL('./fixtures/tiny-toybox', import.meta.url));
interface Answers {
  text: string;
  ids: number[];
  last_hidden_state: number[];
  'velocity_at_sigma_0.5': number[];
  normalised_latent: number[];
  decoded_corner: number[];
}
// What ONNX Runtime in Python answers for the same package; `make_tiny_toybox.py` wrote it.
const answers: Answers = JSON.parse(
  await readFile(new URL('./fixtures/tiny-toybox-answers.json', import.meta.url), 'utf8'),
);
const signal = new AbortController().signal;

/** -1, -0.9, -0.8 … as the fixture's script has it. */
const ramp = (shape: number[]) => fromFunction(shape, (i) => i / 10 - 1);

// 1e-5: answers are rounded to six digits, and float32 sums may be ordered otherwise.
const expectClose = (got: ArrayLike<number>, wanted: readonly number[]) => {
  expect(got.length).toBe(wanted.length);
  for (let i = 0; i < got.length; i++)
    expect(Math.abs(got[i]! - wanted[i]!), `element ${i}`).toBeLessThan(1e-5);
};

describe('a package that is whole', () => {
  let models: ModelServiceHandle;
  beforeAll(async () => {
    models = await createModelService({ roots: [fixture, '/nowhere/at/all'], threads: 1 });
  });
  afterAll(() => models.dispose());

  it('is listed with its facts before any session is opened', () => {
    expect(models.installed()).toMatchObject([
      { name: 'tiny-toybox', family: 'toybox', licence: 'Apache-2.0', status: 'ready' },
    ]);
    expect(models.inferContext().models.get('tiny-toybox')).toEqual({
      name: 'tiny-toybox',
      family: 'toybox',
      latentChannels: 4,
      vaeScale: { spatial: 8, temporal: 4 },
      sizeMultiple: 16,
      frameRule: { multiple: 4, plus: 1 },
      maxTextTokens: 24,
      defaultShift: 3,
      recommended: { steps: 4, guidanceScale: 2, fps: 8, frameCount: 5, widthPx: 32, heightPx: 16 },
      precisions: ['fp32'],
    });
  });

  it('encodes text as Python does', async () => {
    const model = await models.resolve('tiny-toybox', signal);
    const { promptEmbeds, promptMask } = await models.encodeText(model, answers.text, signal);
    expect(promptEmbeds.shape).toEqual([1, answers.ids.length, 6]);
    expect(Array.from(promptMask.data)).toEqual(answers.ids.map(() => 1n));
    expectClose(promptEmbeds.data, answers.last_hidden_state);
  });

  it('denoises as Python does, whatever stands beside it in the batch', async () => {
    const model = await models.resolve('tiny-toybox', signal);
    const positive = await models.encodeText(model, answers.text, signal);
    const longer = await models.encodeText(model, 'a small red circle moves right on a navy', signal);
    const mask = zeros('float32', [1, 1, 2, 2, 2]);
    mask.data.fill(1, 0, 4);
    const known = { latent: fromFunction([1, 4, 2, 2, 2], () => 0.25), mask };
    const sample = ramp([1, 4, 2, 2, 2]);
    const alone = await models.denoise(model, { sample, sigma: 0.5, branches: [positive], known }, signal);
    const both = await models.denoise(
      model,
      { sample, sigma: 0.5, branches: [longer, positive], known },
      signal,
    );
    expect(alone[0]?.shape).toEqual(sample.shape);
    expectClose(alone[0]!.data, answers['velocity_at_sigma_0.5']);
    expectClose(both[1]!.data, answers['velocity_at_sigma_0.5']);
    expect(both[0]!.data[0]).not.toBeCloseTo(both[1]!.data[0]!, 3);
  });

  it('encodes and decodes frames as Python does', async () => {
    const model = await models.resolve('tiny-toybox', signal);
    const frames = fromFunction([1, 3, 5, 16, 16], (i) => Math.sin(Math.fround(i / 10 - 1)));
    const latent = await models.encodeFrames(model, frames, signal);
    expect(latent.shape).toEqual([1, 4, 2, 2, 2]);
    expectClose(latent.data, answers.normalised_latent);
    const decoded = await models.decodeLatent(model, ramp([1, 4, 2, 2, 2]), signal);
    expect(decoded.shape).toEqual([1, 3, 5, 16, 16]);
    const corner = Array.from({ length: 15 }, (_, i) => decoded.data[i * 256]!);
    expectClose(
      corner,
      answers.decoded_corner.map((value) => Math.min(1, Math.max(-1, value))),
    );
  });

  it('shows a latent as colours without a session', async () => {
    const model = await models.resolve('tiny-toybox', signal);
    const rgb = models.previewLatent(
      model,
      fromFunction([1, 4, 1, 1, 1], (i) => i),
    );
    expect(rgb.shape).toEqual([1, 3, 1, 1, 1]);
    expectClose(rgb.data, [0.3, 0.6, 0.9]);
  });

  it('counts runs and the time inside the runtime', async () => {
    const model = await models.resolve('tiny-toybox', signal);
    const before = models.sessionTimes().get('text_encoder') ?? { runs: 0, runMs: 0 };
    await models.encodeText(model, 'a red circle', signal);
    const after = models.sessionTimes().get('text_encoder');
    expect(after?.runs).toBe(before.runs + 1);
    expect(after?.runMs).toBeGreaterThan(before.runMs);
  });

  it('takes the empty text, which is the negative prompt of most runs', async () => {
    const model = await models.resolve('tiny-toybox', signal);
    const { promptEmbeds } = await models.encodeText(model, '', signal);
    expect(promptEmbeds.shape).toEqual([1, 2, 6]);
  });

  it.each([
    ['100 kB', 'a'.repeat(100_000), '100000 characters'],
    ['a few words too many', 'circle moves right '.repeat(20), 'tokens'],
  ])('refuses a text of %s at once', async (_, text, found) => {
    const model = await models.resolve('tiny-toybox', signal);
    await expect(models.encodeText(model, text, signal)).rejects.toMatchObject({
      code: 'text/too-long',
      message: expect.stringContaining(found),
    });
  });

  it('says which shapes did not fit when a graph cannot run', async () => {
    const model = await models.resolve('tiny-toybox', signal);
    const wrong = fromFunction([1, 2, 5, 16, 16], () => 0);
    await expect(models.encodeFrames(model, wrong, signal)).rejects.toMatchObject({
      code: 'model/run-failed',
      message: 'Model "tiny-toybox": vae_encoder could not run with sample [1, 2, 5, 16, 16].',
    });
  });

  it('rejects with the reason on cancel and goes on working', async () => {
    const model = await models.resolve('tiny-toybox', signal);
    const controller = new AbortController();
    const reason = new Error('cancelled');
    const running = models.encodeText(model, answers.text, controller.signal);
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    await expect(models.encodeText(model, answers.text, signal)).resolves.toBeDefined();
  });

  it('names what is installed when another is asked for', async () => {
    await expect(models.resolve('wan', signal)).rejects.toMatchObject({
      code: 'model/not-found',
      hint: 'Installed: tiny-toybox.',
    });
  });
});

let root: string;
let folder: string;
const services: ModelServiceHandle[] = [];
/** A service over a copy of the fixture that a test may change. */
const open = async () => {
  const models = await createModelService({
    roots: [root],
    threads: 1,
    digestFile: join(root, '.digests.json'),
  });
  services.push(models);
  return models;
};
const copyFixture = async () => {
  root = await mkdtemp(join(tmpdir(), 'reelgraph-models-'));
  folder = join(root, 'tiny-toybox');
  await cp(fixture, folder, { recursive: true });
};
const removeCopy = async () => {
  for (const service of services.splice(0)) await service.dispose();
  await rm(root, { recursive: true, force: true });
};

describe('a package with more than one denoiser', () => {
  /** `fast` beside the base one: another folder, its own steps and guidance. */
  const addFast = async (about: object = { recommended: { steps: 2, guidanceScale: 1, shift: 1.5 } }) => {
    await cp(join(folder, 'transformer'), join(folder, 'transformer_fast'), { recursive: true });
    const index = JSON.parse(await readFile(join(folder, 'model_index.json'), 'utf8'));
    index.reelgraph.variants = { fast: { transformer: 'transformer_fast', ...about } };
    await writeFile(join(folder, 'model_index.json'), JSON.stringify(index));
  };
  const denoiseOnce = async (
    models: ModelServiceHandle,
    choice: { variant?: string; precision?: string },
  ) => {
    const model = await models.resolve('tiny-toybox', signal, choice);
    const branches = [await models.encodeText(model, 'a red circle', signal)];
    return models.denoise(model, { sample: ramp([1, 4, 2, 2, 2]), sigma: 1, branches }, signal);
  };
  beforeEach(copyFixture);
  afterEach(removeCopy);

  it('runs the one chosen, with its own settings where it names them', async () => {
    await addFast();
    const models = await open();
    const model = await models.resolve('tiny-toybox', signal, { variant: 'fast' });
    expect(model).toMatchObject({ name: 'tiny-toybox', variant: 'fast' });
    expect(models.facts(model)).toMatchObject({
      defaultShift: 1.5,
      recommended: { steps: 2, guidanceScale: 1, fps: 8, frameCount: 5 },
    });
    expect(models.inferContext().models.get('tiny-toybox')).toMatchObject({
      recommended: { steps: 4, guidanceScale: 2 },
      variants: { fast: { steps: 2, guidanceScale: 1 } },
    });
    await denoiseOnce(models, { variant: 'fast' });
    expect(models.sessionTimes().get('transformer_fast')?.runs).toBe(1);
    expect(models.sessionTimes().get('transformer')).toBeUndefined();
    await denoiseOnce(models, {});
    expect(models.sessionTimes().get('transformer')?.runs).toBe(1);
  });

  it('names the sampler of the package, and that of a variant where it has one of its own', async () => {
    const samplerOf = async (own: object) => {
      await addFast({ recommended: { steps: 2, ...own } });
      const index = JSON.parse(await readFile(join(folder, 'model_index.json'), 'utf8'));
      index.reelgraph.recommended = { ...index.reelgraph.recommended, sampler: 'stochastic' };
      await writeFile(join(folder, 'model_index.json'), JSON.stringify(index));
      const models = await open();
      const facts = async (variant: string) =>
        models.facts(await models.resolve('tiny-toybox', signal, { variant })).recommended.sampler;
      return { base: await facts('base'), fast: await facts('fast') };
    };
    expect(await samplerOf({ sampler: 'euler' })).toEqual({ base: 'stochastic', fast: 'euler' });
    expect(await samplerOf({})).toEqual({ base: 'stochastic', fast: 'stochastic' });
  });

  it('says what there is when another variant or precision is asked for', async () => {
    const models = await open();
    await expect(models.resolve('tiny-toybox', signal, { variant: 'fast' })).rejects.toMatchObject({
      code: 'model/no-variant',
      message: 'Model "tiny-toybox" has no variant "fast"; it has base.',
    });
    await expect(models.resolve('tiny-toybox', signal, { precision: 'int8' })).rejects.toMatchObject({
      code: 'model/no-precision',
      message: 'Model "tiny-toybox" has no files in int8; it has fp32.',
    });
    await expect(
      models.resolve('tiny-toybox', signal, { variant: 'base', precision: 'auto' }),
    ).resolves.toEqual(await models.resolve('tiny-toybox', signal));
  });

  it('opens the file of the precision chosen; by default the one listed first', async () => {
    // The int8 file is a graph of an operator that there is not, so whoever opens it is told.
    const text = (await readFile(join(folder, 'transformer/model.onnx'))).toString('latin1');
    await writeFile(join(folder, 'transformer/model.int8.onnx'), text.replaceAll('Mul', 'Mux'), 'latin1');
    const config = join(folder, 'transformer/config.json');
    const about = JSON.parse(await readFile(config, 'utf8'));
    const files = { int8: 'model.int8.onnx', fp32: 'model.onnx' };
    await writeFile(config, JSON.stringify({ ...about, files }));
    const models = await open();
    expect(models.inferContext().models.get('tiny-toybox')?.precisions).toEqual(['fp32', 'int8']);
    await expect(denoiseOnce(models, { precision: 'fp32' })).resolves.toHaveLength(1);
    for (const precision of ['int8', 'auto']) {
      await expect(denoiseOnce(models, { precision })).rejects.toMatchObject({
        code: 'model/damaged',
        message: expect.stringContaining('transformer/model.int8.onnx could not be opened'),
      });
    }
  });

  it.each([
    [
      'a variant whose folder is missing',
      'transformer_fast/config.json is missing',
      async () => {
        await addFast();
        await rm(join(folder, 'transformer_fast'), { recursive: true });
      },
    ],
    [
      'a variant for another latent',
      'latent channels',
      async () => {
        await addFast();
        await writeFile(
          join(folder, 'transformer_fast/config.json'),
          '{"in_channels": 8, "patch_size": [1, 2, 2], "max_text_length": 9}',
        );
      },
    ],
    ['a folder outside the package', 'variants', () => addFast({ transformer: '../elsewhere' })],
  ])('refuses %s', async (_, found, damage) => {
    await damage();
    await expect((await open()).resolve('tiny-toybox', signal)).rejects.toMatchObject({
      code: 'model/damaged',
      message: expect.stringContaining(found),
    });
  });
});

describe('a package that is not whole', () => {
  beforeEach(copyFixture);
  afterEach(removeCopy);

  it.each([
    ['transformer/model.onnx', 'is missing', (file: string) => unlink(file)],
    ['vae_decoder/model.onnx', 'is empty', (file: string) => truncate(file, 0)],
    [
      'vae_encoder/model.onnx',
      'is a web page, which is what a failed download leaves',
      (file: string) => writeFile(file, '<html>404 not found</html>'),
    ],
    ['vae_decoder/config.json', 'is not valid JSON', (file: string) => writeFile(file, '{"z_dim": 4,')],
    [
      'transformer/config.json',
      'at "in_channels"',
      (file: string) => writeFile(file, '{"patch_size": [1,2,2], "max_text_length": 9}'),
    ],
    ['tokenizer/tokenizer.json', 'does not describe a tokenizer', (file: string) => writeFile(file, '{}')],
    ['scheduler/scheduler_config.json', 'is missing', (file: string) => unlink(file)],
  ])(
    '%s: the error says what is wrong and where, and no path of the machine',
    async (file, found, damage) => {
      await damage(join(folder, file));
      const models = await open();
      expect(models.installed()).toMatchObject([{ name: 'tiny-toybox', status: 'damaged' }]);
      expect(models.inferContext().models.size).toBe(0);
      const error: unknown = await models.resolve('tiny-toybox', signal).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: 'model/damaged',
        hint: expect.stringContaining(`Restore ${file}`),
      });
      const message = error instanceof Error ? error.message : '';
      expect(message).toContain(`Model "tiny-toybox" is damaged: ${file}`);
      expect(message).toContain(found);
      expect(message).not.toContain(root);
    },
  );

  it('a graph cut short is found before anything is run', async () => {
    const file = join(folder, 'transformer/model.onnx');
    await truncate(file, Math.floor((await stat(file)).size / 2));
    await expect((await open()).resolve('tiny-toybox', signal)).rejects.toMatchObject({
      code: 'model/damaged',
      message: 'Model "tiny-toybox" is damaged: transformer/model.onnx is cut short.',
    });
  });

  it('a graph that no runtime opens is found in another process, and listed as damaged from then on', async () => {
    const file = join(folder, 'transformer/model.onnx');
    const text = (await readFile(file)).toString('latin1');
    await writeFile(file, text.replaceAll('Mul', 'Mux'), 'latin1');
    const models = await open();
    expect(models.installed()).toMatchObject([{ status: 'ready' }]);
    const damaged = {
      code: 'model/damaged',
      message: 'Model "tiny-toybox" is damaged: transformer/model.onnx could not be opened as an ONNX graph.',
    };
    await expect(models.resolve('tiny-toybox', signal)).rejects.toMatchObject(damaged);
    const other = await open();
    expect(other.installed()).toMatchObject([{ status: 'damaged', problem: damaged.message }]);
    await expect(other.resolve('tiny-toybox', signal)).rejects.toMatchObject(damaged);
    await writeFile(file, text, 'latin1');
    await expect(other.resolve('tiny-toybox', signal)).resolves.toMatchObject({ name: 'tiny-toybox' });
  });

  it.each([
    ['a pickle', 'is a Python pickle', Buffer.from('80049512000000', 'hex')],
    ['an archive', 'is a zip archive', Buffer.from('PK\u0003\u0004data.pkl')],
    ['a chain of functions that would end the process', 'local functions', deepTextEncoder(3000)],
    ['weights of somebody else', 'outside its folder', textEncoderWithWeightsIn('../../../etc/passwd')],
  ])('%s in the place of a graph is refused, and the sentence says what it is', async (_what, why, bytes) => {
    await writeFile(join(folder, 'text_encoder/model.onnx'), bytes);
    await expect((await open()).resolve('tiny-toybox', signal)).rejects.toMatchObject({
      code: 'model/damaged',
      message: expect.stringContaining(why),
    });
  });

  it('all that is missing is told at once', async () => {
    await unlink(join(folder, 'transformer/model.onnx'));
    await unlink(join(folder, 'tokenizer/tokenizer.json'));
    await writeFile(join(folder, 'text_encoder/model.onnx'), textEncoderWithWeightsIn('model.onnx.data'));
    expect((await open()).installed()).toMatchObject([
      {
        status: 'damaged',
        missing: ['text_encoder/model.onnx.data', 'tokenizer/tokenizer.json', 'transformer/model.onnx'],
      },
    ]);
  });

  it('a flipped bit in the weights is found when the package carries its checksums', async () => {
    const file = join(folder, 'transformer/model.onnx');
    const bytes = await readFile(file);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await writeFile(join(folder, 'SHA256SUMS'), `${sha256}  transformer/model.onnx\n`);
    await expect((await open()).resolve('tiny-toybox', signal)).resolves.toBeDefined();
    bytes[500]! ^= 1;
    await writeFile(file, bytes);
    await expect((await open()).resolve('tiny-toybox', signal)).rejects.toMatchObject({
      code: 'model/damaged',
      message:
        'Model "tiny-toybox" is damaged: transformer/model.onnx does not have the bytes it was published with.',
    });
  });

  it('an index that was lost leaves the package visible as damaged', async () => {
    await unlink(join(folder, 'model_index.json'));
    const models = await open();
    await expect(models.resolve('tiny-toybox', signal)).rejects.toMatchObject({
      code: 'model/damaged',
      message: expect.stringContaining('model_index.json is missing'),
    });
  });

  it('is usable again as soon as it is mended', async () => {
    const file = join(folder, 'vae_decoder/model.onnx');
    const bytes = await readFile(file);
    await unlink(file);
    const models = await open();
    await expect(models.resolve('tiny-toybox', signal)).rejects.toMatchObject({ code: 'model/damaged' });
    await writeFile(file, bytes);
    await expect(models.resolve('tiny-toybox', signal)).resolves.toMatchObject({ name: 'tiny-toybox' });
  });

  it('a family of another program is refused by name', async () => {
    await writeFile(join(folder, 'model_index.json'), '{"_class_name": "MochiPipeline", "_name": "mochi"}');
    const models = await open();
    await expect(models.resolve('mochi', signal)).rejects.toMatchObject({
      code: 'model/unknown-family',
      message: 'Model "mochi" is a MochiPipeline, which this version cannot run.',
    });
  });

  it('the digest follows the bytes, not the times, and is remembered between starts', async () => {
    const first = (await (await open()).resolve('tiny-toybox', signal)).digest;
    const file = join(folder, 'transformer/config.json');
    await utimes(file, new Date(0), new Date(0));
    expect((await (await open()).resolve('tiny-toybox', signal)).digest).toBe(first);
    await writeFile(file, `${await readFile(file, 'utf8')} `);
    expect((await (await open()).resolve('tiny-toybox', signal)).digest).not.toBe(first);
    expect(JSON.parse(await readFile(join(root, '.digests.json'), 'utf8'))).toMatchObject({ version: 2 });
  });
});
