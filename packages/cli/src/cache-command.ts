/** `reelgraph cache`: what is kept of earlier runs, whether it is whole, and making room. */
import { existsSync } from 'node:fs';
import { dataFolderAt, parseBytes, runLimitsOf } from '@reelgraph/host';
import { filesOfHistory, openStore, type Store, type StoreSize } from '@reelgraph/store';
import { CliError } from './errors.ts';
import { exitCodes } from './exit-codes.ts';
import { formatBytes, formatDuration } from './format.ts';
import { dataFolderPath } from './places.ts';
import type { Output } from './reporters.ts';

export interface CacheCommandOptions {
  readonly json?: boolean;
  readonly data?: string;
}

export interface PruneCommandOptions extends CacheCommandOptions {
  /** Size to come down to, for example `5G`; the budget when absent. */
  readonly to?: string;
  readonly dryRun?: boolean;
  /** Also what the history of runs still shows. */
  readonly withHistory?: boolean;
  /** Also checkpoints that nobody came back for since yesterday. */
  readonly withCheckpoints?: boolean;
}

/** Loose and damaged files and checkpoints younger than this may be someone's work, or someone's clue. */
const sweepAfterMs = 24 * 60 * 60 * 1000;
/** What was used within this time may be about to be read by a run. */
const graceMs = 60_000;

/** Prints what the cache holds. */
export async function cacheStatsCommand(options: CacheCommandOptions, output: Output): Promise<number> {
  return withStore(options, async ({ store, root, budgetBytes }) => {
    const size = await store.measure();
    const history = await sizeOfHistory(store, root);
    if (options.json) print(output, { folder: store.folder, budgetBytes, ...size, history });
    else output.write(formatStats({ folder: store.folder, budgetBytes, size, history }));
    return exitCodes.ok;
  });
}

/** Reads everything that is kept; damage is put away and computed again when it is next needed. */
export async function cacheVerifyCommand(options: CacheCommandOptions, output: Output): Promise<number> {
  return withStore(options, async ({ store }) => {
    const report = await store.verify(progressOn(options, output));
    if (options.json) print(output, report);
    else {
      for (const { kind, id, problem } of report.damaged)
        output.write(`${kind} ${id}: ${problem === 'changed' ? 'its bytes changed' : 'a part is missing'}\n`);
      const spoiled = report.damaged.filter(({ kind }) => kind === 'checkpoint').length;
      const found = (damaged: number, then: string) =>
        damaged === 0 ? 'all whole' : `${damaged} damaged, put away; ${then}`;
      output.write(
        `${report.results} results and ${report.blobs} blobs, ${formatBytes(report.bytes)}: ${found(report.damaged.length - spoiled, 'what needs them is computed again')}.\n`,
      );
      const { count, bytes } = report.checkpoints;
      if (count > 0)
        output.write(
          `${count} checkpoints, ${formatBytes(bytes)}: ${found(spoiled, 'what they were for begins again')}.\n`,
        );
    }
    return report.damaged.length === 0 ? exitCodes.ok : exitCodes.missing;
  });
}

/** Makes room; answers 1 when what must stay is more than what was asked for. */
export async function cachePruneCommand(options: PruneCommandOptions, output: Output): Promise<number> {
  const asked = options.to === undefined ? undefined : parseBytes(options.to);
  if (options.to !== undefined && asked === undefined) {
    throw new CliError(exitCodes.usage, 'cli/bad-size', `"${options.to}" is no size.`, {
      hint: 'Write for example --to 500M, --to 20G or --to 0.',
    });
  }
  return withStore(options, async ({ store, root, budgetBytes }) => {
    const targetBytes = asked ?? budgetBytes;
    const isDryRun = options.dryRun === true;
    const pinned = options.withHistory === true ? new Set<string>() : filesOfHistory(root);
    const trimmed = await store.trim({ targetBytes, pinned: () => pinned, graceMs, isDryRun });
    const swept = await store.sweep({ olderThanMs: sweepAfterMs, pinned, isDryRun });
    const checkpoints = await store.sweepCheckpoints({
      isDryRun,
      ...(options.withCheckpoints === true ? { maxAgeMs: sweepAfterMs } : {}),
    });
    const isReached = trimmed.bytesAfter <= targetBytes;
    if (options.json) print(output, { isDryRun, targetBytes, isReached, ...trimmed, swept, checkpoints });
    else {
      const would = isDryRun ? 'would be ' : '';
      const freed = trimmed.bytesBefore - trimmed.bytesAfter;
      const lostMs = trimmed.evicted.reduce((sum, { costMs }) => sum + costMs, 0);
      const cost = trimmed.evicted.length === 0 ? '' : ` that took ${formatDuration(lostMs)} to compute`;
      output.write(
        `${trimmed.evicted.length} results (${formatBytes(freed)})${cost} ${would}removed; ${formatBytes(trimmed.bytesAfter)} left of ${formatBytes(targetBytes)}.\n`,
      );
      if (swept.count > 0)
        output.write(
          `${swept.count} loose or damaged files (${formatBytes(swept.bytes)}) ${would}removed.\n`,
        );
      if (checkpoints.count > 0)
        output.write(
          `${checkpoints.count} old checkpoints (${formatBytes(checkpoints.bytes)}) ${would}removed.\n`,
        );
      if (!isReached) output.write(whyNotReached(trimmed, pinned !== undefined));
    }
    return isReached ? exitCodes.ok : exitCodes.runFailed;
  });
}

function whyNotReached(
  { keptForHistory, keptInUse }: { keptForHistory: number; keptInUse: number },
  isHistoryKnown: boolean,
): string {
  const lines: string[] = [];
  if (keptForHistory > 0 && isHistoryKnown)
    lines.push(
      `${keptForHistory} results stay: the history of runs shows their files (--with-history removes them too).`,
    );
  if (keptForHistory > 0 && !isHistoryKnown)
    lines.push(
      `${keptForHistory} results with files stay: the history of runs cannot be read, so nobody knows which it shows.`,
    );
  if (keptInUse > 0) lines.push(`${keptInUse} results stay: they were used within the last minute.`);
  return lines.map((line) => `${line}\n`).join('');
}

interface OpenCache {
  readonly store: Store;
  /** The data folder. */
  readonly root: string;
  readonly budgetBytes: number;
}

async function withStore(
  options: CacheCommandOptions,
  work: (cache: OpenCache) => Promise<number>,
): Promise<number> {
  const folder = dataFolderAt(dataFolderPath(options.data));
  if (!existsSync(folder.artifactsFolder)) {
    throw new CliError(exitCodes.missing, 'cache/not-found', `There is no cache in ${folder.root}.`, {
      hint: 'Name the data folder with --data, or run a workflow first.',
    });
  }
  const store = await openStore(folder.artifactsFolder);
  try {
    return await work({ store, root: folder.root, budgetBytes: runLimitsOf(process.env).diskBytes });
  } finally {
    store.close();
  }
}

interface HistorySize {
  readonly files: number;
  readonly bytes: number;
  /** Files that the history shows and that are gone. */
  readonly gone: number;
}

async function sizeOfHistory(store: Store, root: string): Promise<HistorySize | undefined> {
  const digests = filesOfHistory(root);
  if (digests === undefined) return undefined;
  const sizes = await Promise.all([...digests].map((digest) => store.blobBytes(digest)));
  const there = sizes.filter((bytes) => bytes !== undefined);
  return {
    files: there.length,
    bytes: there.reduce((sum, bytes) => sum + bytes, 0),
    gone: sizes.length - there.length,
  };
}

function formatStats(about: {
  folder: string;
  budgetBytes: number;
  size: StoreSize;
  history: HistorySize | undefined;
}): string {
  const { folder, budgetBytes, size, history } = about;
  const row = (name: string, text: string) => `  ${name.padEnd(22)}${text}`;
  const many = (count: number, bytes: number) => `${count}, ${formatBytes(bytes)}`;
  const lines = [
    `Cache in ${folder}`,
    row('in all', `${formatBytes(size.bytes)} of ${formatBytes(budgetBytes)}`),
    row('results', `${size.results}`),
    row('shown by the history', history === undefined ? 'not known' : many(history.files, history.bytes)),
    ...(history !== undefined && history.gone > 0
      ? [row('shown, but gone', `${history.gone}; running again makes them anew`)]
      : []),
    row('kept by no result', many(size.loose.count, size.loose.bytes)),
    row('put away as damaged', many(size.quarantined.count, size.quarantined.bytes)),
    row('checkpoints', `${many(size.checkpoints.count, size.checkpoints.bytes)}, beside the budget`),
    row('evictions remembered', `${size.evicted}`),
    row('being computed now', `${size.claims}`),
    ...(size.byNodeType.length === 0 ? [] : ['By kind of node:']),
    ...size.byNodeType.map(({ nodeType, results, bytes, costMs }) =>
      row(nodeType, `${many(results, bytes)}, ${formatDuration(costMs)} to compute`),
    ),
  ];
  return `${lines.join('\n')}\n`;
}

/** On a terminal one line that counts; nothing in a pipe. */
function progressOn(
  options: CacheCommandOptions,
  output: Output,
): ((done: number, total: number) => void) | undefined {
  if (options.json || output.columns === undefined) return undefined;
  let told = 0;
  return (done, total) => {
    const percent = Math.floor((100 * done) / total);
    if (percent === told) return;
    told = percent;
    output.write(`\r\u001b[2K${done === total ? '' : `${percent} %`}`);
  };
}

function print(output: Output, value: unknown): void {
  output.write(`${JSON.stringify(value, null, 2)}\n`);
}
