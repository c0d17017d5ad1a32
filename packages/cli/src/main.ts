/** The `reelgraph` command: reads what was typed, runs it, ends with the exit code that `--help` documents. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { CliError } from './errors.ts';
import { exitCodeHelp, exitCodeNote, exitCodes } from './exit-codes.ts';
import { formatIssue } from './format.ts';
import type { moveTargetOf, QueueCommand, QueueCommandOptions } from './queue-command.ts';
import type { Output } from './reporters.ts';

// Read by the inference runtime when it loads: a product that people trust does not phone home.
process.env.ORT_DISABLE_TELEMETRY = '1';

const output: Output = {
  write: (text) => {
    process.stdout.write(text);
  },
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
};
// A reader that went away (`| head`) wants no more; that is no failure of ours.
process.stdout.on('error', () => {});

/** An option that may be given many times, and is a list. */
function listOption(flags: string, description: string): Option {
  const collect = (value: string, previous: readonly string[]) => [...previous, value];
  // An empty list has no words in a help text unless it is given some.
  return new Option(flags, `${description}; may be repeated`).argParser(collect).default([], 'none');
}
let exitCode: number = exitCodes.ok;
let wantsJson = false;

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8'));
  return typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : 'unknown';
}

function withFolders(command: Command): Command {
  return command
    .option(
      '--data <folder>',
      'data folder with cached results (default: .reelgraph in the project, or REELGRAPH_DATA)',
    )
    .addOption(listOption('--models <folder>', 'a folder with model packages'))
    .option(
      '--device <device>',
      'where models run: auto, cpu, webgpu, cuda, tensorrt, coreml or dml (default: cpu, or REELGRAPH_DEVICE)',
    )
    .option(
      '--licences <profile>',
      'any, or commercial: models that must not be used so do not run (default: any, or REELGRAPH_LICENCES)',
    )
    .option('--json', 'machine-readable output');
}

function withBudget(command: Command): Command {
  return command
    .option('--max-time <time>', 'refuse what would take longer, for example 90s, 5m or 1h30m')
    .option('--max-memory <size>', 'refuse what would need more memory, for example 4G')
    .option('--max-disk <size>', 'refuse what would keep more results, for example 500M');
}

interface BudgetOptions {
  readonly maxTime?: string;
  readonly maxMemory?: string;
  readonly maxDisk?: string;
}

const otherCommands = `
In the project folder:
  npm start           the server with the editor
  npm run bench       what it costs, measured here: engine, server, sampling …
  npm run faults      what it withstands: kills, damage, crowds, bent workflows …
docs/operations.md has a command for everything that is promised.`;

const program = new Command('reelgraph')
  .description('Runs and checks video workflows without a server.')
  .version(version())
  .addHelpText('after', `${exitCodeHelp}\n${otherCommands}`)
  .exitOverride()
  .configureOutput({ writeErr: (text) => process.stderr.write(text) });

withBudget(withFolders(program.command('run')))
  .description('run a workflow (JSON, or a video made by Reelgraph) and save what it makes')
  .argument('<workflow>', 'workflow file')
  .addOption(listOption('--set <name=value>', 'set an input of the workflow, or node.param'))
  .option('--out <path>', 'file or folder for the result (default: its own name in the current folder)')
  .option('--trace <file>', 'write the timeline of the run, for chrome://tracing or ui.perfetto.dev')
  .addHelpText('after', exitCodeNote)
  .action(
    async (
      file: string,
      options: {
        set: string[];
        out?: string;
        trace?: string;
        json?: boolean;
        data?: string;
        models: string[];
      } & BudgetOptions,
    ) => {
      wantsJson = options.json === true;
      const { runCommand } = await import('./run-command.ts');
      exitCode = await runCommand(file, options, output, process.stderr);
    },
  );

withBudget(withFolders(program.command('estimate')))
  .description('say what a run would take on this machine, learnt from earlier runs, without running it')
  .argument('<workflow>', 'workflow file')
  .addOption(listOption('--set <name=value>', 'set an input of the workflow, or node.param'))
  .addHelpText('after', exitCodeNote)
  .action(
    async (
      file: string,
      options: { set: string[]; json?: boolean; data?: string; models: string[] } & BudgetOptions,
    ) => {
      wantsJson = options.json === true;
      const { estimateCommand } = await import('./estimate-command.ts');
      exitCode = await estimateCommand(file, options, output);
    },
  );

withFolders(program.command('check'))
  .description('list everything wrong with workflow files, without running them')
  .argument('<workflow...>', 'workflow files')
  .option('--fix', 'mend what can be mended and write the files')
  .addHelpText('after', exitCodeNote)
  .action(
    async (files: string[], options: { json?: boolean; fix?: boolean; data?: string; models: string[] }) => {
      wantsJson = options.json === true;
      const { checkCommand } = await import('./check-command.ts');
      exitCode = await checkCommand(files, options, output);
    },
  );

program
  .command('serve')
  .description('start the server with the editor; options as for npm start (--port, --host, --data)')
  .allowUnknownOption()
  .helpOption(false)
  .argument('[options...]', 'options of the server')
  .action(async (args: string[]) => {
    const { serveCommand } = await import('./serve-command.ts');
    exitCode = await serveCommand(args);
  });

const models = program.command('models').description('model packages on this machine');
interface ModelsOptions {
  json?: boolean;
  data?: string;
  models: string[];
}

withFolders(models.command('list'))
  .description('list model packages: family, size, digest, licence, folder, and what is wrong')
  .action(async (options: ModelsOptions) => {
    wantsJson = options.json === true;
    const { modelsListCommand } = await import('./models-command.ts');
    exitCode = await modelsListCommand(options, output);
  });

withFolders(models.command('inspect'))
  .description('tell what a package is made of, without reading its weights')
  .argument('<model>', 'name of a model, or the folder of a package')
  .action(async (name: string, options: ModelsOptions) => {
    wantsJson = options.json === true;
    const { modelsInspectCommand } = await import('./models-command.ts');
    exitCode = await modelsInspectCommand(name, options, output);
  });

withFolders(models.command('verify'))
  .description('read every byte of packages and open their graphs in a process of their own')
  .argument('[model...]', 'names of models, or folders of packages (default: all)')
  .action(async (names: string[], options: ModelsOptions) => {
    wantsJson = options.json === true;
    const { modelsVerifyCommand } = await import('./models-command.ts');
    exitCode = await modelsVerifyCommand(names, options, output);
  });

models
  .command('import')
  .description('bring a package into the models folder: copied and verified, or not at all')
  .argument('<folder>', 'folder of the package; archives are not opened')
  .option('--link', 'leave it where it is, and link to it')
  .option('--data <folder>', 'data folder (default: .reelgraph in the project, or REELGRAPH_DATA)')
  .option('--json', 'machine-readable output')
  .addHelpText('after', exitCodeNote)
  .action(async (from: string, options: { link?: boolean; data?: string; json?: boolean }) => {
    wantsJson = options.json === true;
    const { modelsImportCommand } = await import('./models-command.ts');
    exitCode = await modelsImportCommand(from, options, output);
  });

program
  .command('devices')
  .description('what models can run on here: each device is tried, and measured against the processor')
  .option('--data <folder>', 'data folder (default: .reelgraph in the project, or REELGRAPH_DATA)')
  .option('--json', 'machine-readable output')
  .action(async (options: { json?: boolean; data?: string }) => {
    wantsJson = options.json === true;
    const { devicesCommand } = await import('./devices-command.ts');
    exitCode = await devicesCommand(options, output);
  });

const cache = program.command('cache').description('results kept of earlier runs');
const withData = (command: Command): Command =>
  command
    .option('--data <folder>', 'data folder (default: .reelgraph in the project, or REELGRAPH_DATA)')
    .option('--json', 'machine-readable output')
    .addHelpText('after', exitCodeNote);

withData(cache.command('stats'))
  .description('what is kept, how much of it, and what it took to compute')
  .action(async (options: { json?: boolean; data?: string }) => {
    wantsJson = options.json === true;
    const { cacheStatsCommand } = await import('./cache-command.ts');
    exitCode = await cacheStatsCommand(options, output);
  });

withData(cache.command('verify'))
  .description('read everything that is kept; damage is put away and computed again when it is needed')
  .action(async (options: { json?: boolean; data?: string }) => {
    wantsJson = options.json === true;
    const { cacheVerifyCommand } = await import('./cache-command.ts');
    exitCode = await cacheVerifyCommand(options, output);
  });

withData(cache.command('prune'))
  .description('make room: what is cheap to compute for its size goes first')
  .option('--to <size>', 'come down to this size, for example 500M or 20G (default: REELGRAPH_CACHE_DISK)')
  .option('--dry-run', 'say what would be removed, and remove nothing')
  .option('--with-history', 'also remove results whose files the history of runs shows')
  .option(
    '--with-checkpoints',
    'also remove checkpoints of interrupted work older than a day, not only than two weeks',
  )
  .action(
    async (options: {
      json?: boolean;
      data?: string;
      to?: string;
      dryRun?: boolean;
      withHistory?: boolean;
      withCheckpoints?: boolean;
    }) => {
      wantsJson = options.json === true;
      const { cachePruneCommand } = await import('./cache-command.ts');
      exitCode = await cachePruneCommand(options, output);
    },
  );

const queue = program
  .command('queue')
  .description('look at the queue of a running server, and order it')
  .addHelpText('after', '\nRuns are named by their ids, or by as much of the beginning as tells them apart.');

/** A command of the queue; every one speaks to a server. */
function queueSubcommand(usage: string, description: string): Command {
  return queue
    .command(usage)
    .description(description)
    .option('--server <url>', 'address of the server (default: REELGRAPH_URL, or http://127.0.0.1:7860)')
    .option('--json', 'machine-readable output');
}

async function askQueue(command: QueueCommand, options: QueueCommandOptions): Promise<void> {
  wantsJson = options.json === true;
  const { queueCommand } = await import('./queue-command.ts');
  exitCode = await queueCommand(command, options, output);
}

queueSubcommand('list', 'the run at work and those that wait, in their order').action(
  (options: QueueCommandOptions) => askQueue({ kind: 'list' }, options),
);
queueSubcommand('history', 'runs that have ended, the newest first').action((options: QueueCommandOptions) =>
  askQueue({ kind: 'history' }, options),
);
queueSubcommand('show', 'a run and its nodes: why each ran, how long it took and waited, and its memory')
  .argument('<run>', 'id of the run')
  .action((run: string, options: QueueCommandOptions) => askQueue({ kind: 'show', run }, options));
queueSubcommand('pause', 'begin no further run; the one at work goes on').action(
  (options: QueueCommandOptions) => askQueue({ kind: 'pause' }, options),
);
queueSubcommand('resume', 'go on').action((options: QueueCommandOptions) =>
  askQueue({ kind: 'resume' }, options),
);
queueSubcommand('cancel', 'cancel runs, or everything')
  .argument('[run...]', 'ids of runs')
  .option('--all', 'every run that waits or is at work')
  .action((runs: string[], options: QueueCommandOptions & { all?: boolean }) => {
    if ((options.all === true) === runs.length > 0) {
      throw new CliError(exitCodes.usage, 'cli/bad-cancel', 'Name the runs to cancel, or say --all.');
    }
    return askQueue(options.all === true ? { kind: 'cancel-all' } : { kind: 'cancel', runs }, options);
  });
queueSubcommand('retry', 'start once more what did not succeed; finished nodes come from the cache')
  .argument('<run>', 'id of the run')
  .action((run: string, options: QueueCommandOptions) => askQueue({ kind: 'retry', run }, options));
queueSubcommand('again', 'start a run once more, with other inputs if you say so')
  .argument('<run>', 'id of the run')
  .addOption(listOption('--set <name=value>', 'set an input of the workflow, or node.param'))
  .action((run: string, options: QueueCommandOptions & { set: string[] }) =>
    askQueue({ kind: 'again', run, set: options.set }, options),
  );
queueSubcommand('move', 'give a waiting run another place')
  .argument('<run>', 'id of the run')
  .option('--front', 'before all others of its priority')
  .option('--back', 'behind them')
  .option('--before <run>', 'before this run, and into its priority')
  .option('--after <run>', 'behind this run, and into its priority')
  .option('--priority <n>', 'into another priority, -100 to 100; higher goes first')
  .action(async (run: string, options: QueueCommandOptions & Parameters<typeof moveTargetOf>[0]) => {
    wantsJson = options.json === true;
    const { moveTargetOf } = await import('./queue-command.ts');
    await askQueue({ kind: 'move', run, target: moveTargetOf(options) }, options);
  });
queueSubcommand('add', 'queue a run of a workflow file')
  .argument('<workflow>', 'workflow file')
  .addOption(listOption('--set <name=value>', 'set an input of the workflow, or node.param'))
  .option('--priority <n>', 'higher goes first', '0')
  .action(async (file: string, options: QueueCommandOptions & { set: string[]; priority: string }) => {
    wantsJson = options.json === true;
    const { parsePriority } = await import('./queue-command.ts');
    await askQueue(
      { kind: 'add', file, set: options.set, priority: parsePriority(options.priority) },
      options,
    );
  });

program
  .command('trace')
  .description('the timeline of a run, for chrome://tracing or ui.perfetto.dev')
  .argument('<run>', 'id of the run, or as much of its beginning as tells it apart')
  .option('-o, --out <file>', 'file to write (default: standard output)')
  .option('--server <url>', 'address of the server (default: REELGRAPH_URL, or http://127.0.0.1:7860)')
  .action(async (run: string, options: { out?: string; server?: string }) => {
    const { traceCommand } = await import('./trace-command.ts');
    exitCode = await traceCommand(run, options, output);
  });

// Worker threads and processes read them from the environment, as they do when they were set there.
program.hook('preAction', async (_program, command) => {
  const { licences, device } = command.opts<{ licences?: string; device?: string }>();
  if (licences !== undefined) process.env.REELGRAPH_LICENCES = licences;
  if (device !== undefined) process.env.REELGRAPH_DEVICE = device;
  const { REELGRAPH_LICENCES = '', REELGRAPH_DEVICE = '' } = process.env;
  if (REELGRAPH_LICENCES === '' && REELGRAPH_DEVICE === '') return;
  const { askedDeviceOf, licenceProfileOf } = await import('@reelgraph/host');
  try {
    licenceProfileOf(process.env);
    askedDeviceOf(process.env);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new CliError(exitCodes.usage, 'cli/bad-setting', message);
  }
});

/** Prints what went wrong and answers the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
  const problem = error instanceof CliError ? error : asCliError(error);
  if (wantsJson) {
    const { code, message, hint, issues } = problem;
    output.write(`${JSON.stringify({ type: 'error', code, message, hint, issues })}\n`);
  }
  const lines = [
    problem.message,
    ...problem.issues.map(formatIssue),
    ...(problem.hint === undefined ? [] : [problem.hint]),
  ];
  process.stderr.write(`${lines.join('\n')}\n`);
  return problem.exitCode;
}

/** Errors of the packages below carry a code and a sentence; anything else is a fault of the program. */
function asCliError(error: unknown): CliError {
  if (
    error instanceof Error &&
    'code' in error &&
    typeof error.code === 'string' &&
    error.code.includes('/')
  ) {
    const hint =
      error.code === 'client/unreachable'
        ? 'Start it with "npm start"; for a server at another address give --server <url> or set REELGRAPH_URL.'
        : 'hint' in error && typeof error.hint === 'string'
          ? error.hint
          : undefined;
    return new CliError(exitCodes.runFailed, error.code, error.message, hint === undefined ? {} : { hint });
  }
  if (process.env.REELGRAPH_LOG === 'debug') console.error(error);
  if (error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND') {
    const message = error.message.replaceAll(join(import.meta.dirname, '../../..', '/'), '');
    return new CliError(
      exitCodes.runFailed,
      'cli/not-loaded',
      `A part of the program is missing. ${message}.`,
      {
        hint: 'Mend the import, or run "npm ci" if a package is missing.',
      },
    );
  }
  return new CliError(exitCodes.runFailed, 'cli/internal', 'The program met a problem of its own.', {
    hint: 'Set REELGRAPH_LOG=debug to see it, and please report it.',
  });
}

try {
  await program.parseAsync();
} catch (error) {
  exitCode = report(error);
}
process.exitCode = exitCode;
