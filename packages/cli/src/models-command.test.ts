import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CliError } from './errors.ts';
import {
  modelsImportCommand,
  modelsInspectCommand,
  modelsListCommand,
  modelsVerifyCommand,
} from './models-command.ts';

const tiny = join(import.meta.dirname, '../../inference/src/fixtures/tiny-toybox');
let root: string;
let data: string;
let download: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'reelgraph-models-'));
  data = join(root, 'data');
  download = join(root, 'download');
  await cp(tiny, download, { recursive: true });
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** What a command writes, and its exit code. */
async function told(
  command: (output: { write(text: string): void; columns: number | undefined }) => Promise<number>,
  columns?: number,
) {
  let text = '';
  const code = await command({
    write: (more) => {
      text += more;
    },
    columns,
  });
  return { text, code };
}

describe('reelgraph models', () => {
  it('import, list, inspect and verify tell of the same package', async () => {
    const imported = await told((output) => modelsImportCommand(download, { data }, output));
    expect(imported).toMatchObject({ code: 0, text: expect.stringContaining('tiny-toybox is imported: ') });
    const [digest = ''] = /[0-9a-f]{64}/.exec(imported.text) ?? [];

    const listed = await told((output) => modelsListCommand({ data, models: [] }, output));
    expect(listed.code).toBe(0);
    expect(listed.text).toContain(`sha256 ${digest}`);
    expect(listed.text).toContain(join(data, 'models', 'tiny-toybox'));
    expect(listed.text).toMatch(/toybox {2}Toybox {2}ready\n {2}toybox, [\d.]+ MiB, licence Apache-2\.0/);

    const inspected = await told((output) =>
      modelsInspectCommand('tiny-toybox', { data, models: [] }, output),
    );
    expect(inspected.text).toMatch(
      /transformer +1\.1 KiB {2}2 files {2}Apache-2\.0 \(commercial use allowed\)/,
    );

    const verified = await told((output) =>
      modelsVerifyCommand(['tiny-toybox'], { data, models: [], json: true }, output),
    );
    expect(JSON.parse(verified.text)).toMatchObject([
      { name: 'tiny-toybox', digest, isWhole: true, problems: [] },
    ]);
    expect(verified.code).toBe(0);
  });

  it('verify tells how far it is on a terminal, and what is wrong, with the exit code of what is missing', async () => {
    await writeFile(join(download, 'SHA256SUMS'), `${'0'.repeat(64)}  transformer/model.onnx\n`);
    await writeFile(join(download, 'text_encoder/model.onnx'), Buffer.from('80049512000000', 'hex'));
    const { text, code } = await told(
      (output) => modelsVerifyCommand([download], { data, models: [] }, output),
      80,
    );
    expect(text).toContain(', 100 %');
    expect(text).toContain('transformer/model.onnx does not have the bytes it was published with.');
    expect(text).toContain('text_encoder/model.onnx is a Python pickle');
    expect(code).toBe(4);
  });

  it('a model that is not there ends as a missing file does', async () => {
    const nothing = { write: () => {}, columns: undefined };
    for (const command of [
      () => modelsInspectCommand('lost', { data, models: [] }, nothing),
      () => modelsVerifyCommand(['lost'], { data, models: [] }, nothing),
      () => modelsImportCommand(join(root, 'lost'), { data }, nothing),
    ]) {
      const error: unknown = await command().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(CliError);
      expect(error).toMatchObject({ exitCode: 4, code: 'model/not-found' });
    }
  });
});
