/** `reelgraph models`: the model packages of this machine: what they are, whether they are whole, and bringing in others. */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import {
  type Catalogue,
  type CommercialUse,
  createCatalogue,
  type DataFolder,
  dataFolderAt,
  digestFileOf,
  type HashProgress,
  type InstalledModel,
  importPackage,
  modelRootsOf,
} from '@reelgraph/host';
import { CliError } from './errors.ts';
import { exitCodes, isMissing } from './exit-codes.ts';
import { formatBytes } from './format.ts';
import { dataFolderPath } from './places.ts';
import type { Output } from './reporters.ts';

export interface ModelsCommandOptions {
  readonly json?: boolean;
  readonly data?: string;
  readonly models: readonly string[];
}

/** Lists packages and answers the exit code. */
export async function modelsListCommand(options: ModelsCommandOptions, output: Output): Promise<number> {
  return withModels(options, [], async ({ catalogue, folder, roots }) => {
    const models = await catalogue.listModels();
    if (options.json) {
      print(output, models);
      return exitCodes.ok;
    }
    if (models.length === 0)
      output.write(`No model packages. They are looked for in ${folder.modelsFolder}.\n`);
    for (const model of models) output.write(`${formatModel(model)}\n`);
    output.write(`Looked in: ${roots.join(', ')}\n`);
    return exitCodes.ok;
  });
}

/** All that is known of a package, by name or by its folder, without reading its weights. */
export async function modelsInspectCommand(
  name: string,
  options: ModelsCommandOptions,
  output: Output,
): Promise<number> {
  return withModels(options, [name], async ({ catalogue }) => {
    const model = findModel(await catalogue.listModels(), name);
    if (options.json) print(output, model);
    else output.write(`${formatDetails(model)}\n`);
    return model.status === 'damaged' ? exitCodes.missing : exitCodes.ok;
  });
}

/** Reads every byte and opens every graph; all packages when none is named. */
export async function modelsVerifyCommand(
  names: readonly string[],
  options: ModelsCommandOptions,
  output: Output,
): Promise<number> {
  return withModels(options, names, async ({ catalogue }) => {
    const models = await catalogue.listModels();
    const chosen = names.length === 0 ? models : names.map((name) => findModel(models, name));
    const reports = [];
    for (const { name, byteLength } of chosen) {
      const progress = progressOn(options, output, name);
      const verdict = await catalogue.verifyModel(
        name,
        progress === undefined ? {} : { onProgress: progress.tell },
      );
      progress?.end();
      const { digest, files, isPublished, problems } = verdict;
      reports.push({
        name,
        digest,
        isWhole: problems.length === 0,
        isPublished,
        problems,
        files: Object.fromEntries(files),
      });
      if (options.json) continue;
      const told = isPublished ? 'whole, as published' : 'whole; it carries no checksums to compare with';
      const state = problems.length === 0 ? told : 'not whole:';
      output.write(`${name}  ${formatBytes(byteLength)}  sha256 ${digest}  ${state}\n`);
      for (const problem of problems) output.write(`  ${problem}\n`);
    }
    if (options.json) print(output, reports);
    return reports.every(({ isWhole }) => isWhole) ? exitCodes.ok : exitCodes.missing;
  });
}

/** Brings a folder into the models folder of the data folder, whole or not at all. */
export async function modelsImportCommand(
  from: string,
  options: Omit<ModelsCommandOptions, 'models'> & { readonly link?: boolean },
  output: Output,
): Promise<number> {
  const folder = dataFolderAt(dataFolderPath(options.data));
  const progress = progressOn(options, output, from);
  const abort = new AbortController();
  const onSignal = () =>
    abort.abort(new CliError(exitCodes.cancelled, 'cli/cancelled', 'Cancelled; nothing was imported.'));
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const imported = await importPackage({
      from: resolve(from),
      into: folder.modelsFolder,
      link: options.link === true,
      digestFile: digestFileOf(folder),
      signal: abort.signal,
      ...(progress === undefined ? {} : { onProgress: progress.tell }),
    });
    progress?.end();
    const { name, digest, leftOut } = imported;
    if (options.json) print(output, { ...imported, leftOut: Object.fromEntries(leftOut) });
    else {
      for (const [file, why] of leftOut) output.write(`left out: ${file} ${why}\n`);
      output.write(
        `${name} is ${options.link ? 'linked' : 'imported'}: ${imported.folder}\nsha256 ${digest}\n`,
      );
    }
    return exitCodes.ok;
  } catch (error) {
    throw asMissing(error);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}

/** A package that is not there, or not whole, ends the command as a missing file does. */
function asMissing(error: unknown): unknown {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return error;
  if (!isMissing(error.code)) return error;
  const hint = 'hint' in error && typeof error.hint === 'string' ? { hint: error.hint } : {};
  return new CliError(exitCodes.missing, error.code, error.message, hint);
}

interface OpenModels {
  readonly catalogue: Catalogue;
  readonly folder: DataFolder;
  readonly roots: readonly string[];
}

/** @param named names of models; those that are folders are looked into as well */
async function withModels(
  options: ModelsCommandOptions,
  named: readonly string[],
  work: (models: OpenModels) => Promise<number>,
): Promise<number> {
  const folder = dataFolderAt(dataFolderPath(options.data));
  const folders: string[] = [];
  for (const name of named) if (await isFolder(name)) folders.push(resolve(name));
  const roots = modelRootsOf(folder, [...folders, ...options.models.map((path) => resolve(path))]);
  const catalogue = await createCatalogue(roots, { digestFile: digestFileOf(folder) });
  try {
    return await work({ catalogue, folder, roots });
  } finally {
    await catalogue.close();
  }
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}

function findModel(models: readonly InstalledModel[], name: string): InstalledModel {
  const path = resolve(name);
  const found = models.find((model) => model.name === name) ?? models.find((model) => model.folder === path);
  if (found !== undefined) return found;
  throw new CliError(exitCodes.missing, 'model/not-found', `No model named "${name}" is installed.`, {
    hint: `Installed: ${models.map((model) => model.name).join(', ')}.`,
  });
}

const useTexts: Readonly<Record<CommercialUse, string>> = {
  yes: 'commercial use allowed',
  conditions: 'commercial use on conditions',
  no: 'not for commercial use',
  unknown: 'commercial use unknown',
};

/** What is least allowed counts for the whole. */
function useOf({ parts }: InstalledModel): CommercialUse {
  const uses = parts.map((part) => part.commercialUse);
  return (['no', 'unknown', 'conditions'] as const).find((use) => uses.includes(use)) ?? 'yes';
}

function formatModel(model: InstalledModel): string {
  const {
    name,
    title,
    family,
    byteLength,
    status,
    licence,
    digest,
    folder,
    problem,
    hint,
    missing = [],
  } = model;
  const about = [family, formatBytes(byteLength), `licence ${licence} (${useTexts[useOf(model)]})`];
  const lines = [
    `${name}  ${title}  ${status}`,
    `  ${about.join(', ')}`,
    `  sha256 ${digest ?? 'not hashed yet'}`,
    `  ${folder}`,
    ...(problem === undefined ? [] : [`  ${problem}`]),
    ...(missing.length === 0 ? [] : [`  missing: ${missing.join(', ')}`]),
    ...(hint === undefined ? [] : [`  ${hint}`]),
  ];
  return lines.join('\n');
}

function formatDetails(model: InstalledModel): string {
  const width = Math.max(...model.parts.map(({ part }) => part.length), 0) + 2;
  const parts = model.parts.map(
    ({ part, byteLength, files, licence, commercialUse }) =>
      `  ${part.padEnd(width)}${formatBytes(byteLength).padStart(10)}  ${files === 1 ? '1 file ' : `${files} files`}  ${licence} (${useTexts[commercialUse]})`,
  );
  const source = model.source === undefined ? [] : [`  from ${model.source}`];
  return [formatModel(model), ...source, 'Parts:', ...parts].join('\n');
}

/** On a terminal one line that counts; nothing in a pipe. */
function progressOn(
  options: { readonly json?: boolean },
  output: Output,
  what: string,
): { tell: HashProgress; end(): void } | undefined {
  if (options.json || output.columns === undefined) return undefined;
  let told = -1;
  return {
    tell({ done, total }) {
      const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
      if (percent === told) return;
      told = percent;
      output.write(`\r\u001b[2K${what}: ${formatBytes(done)} of ${formatBytes(total)}, ${percent} %`);
    },
    end: () => output.write('\r\u001b[2K'),
  };
}

function print(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value, null, 2)}\n`);
}
