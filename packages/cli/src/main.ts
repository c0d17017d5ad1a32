/** The `reelgraph` command: reads what was typed, runs it, ends with the exit code that `--help` documents. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError } from 'commander';
import { CliError } from './errors.ts';
import { exitCodeHelp, exitCodes } from './exit-codes.ts';
import { formatIssue } from './format.ts';
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

const collect = (value: string, previous: string[]) => [...previous, value];
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
    .option('--models <folder>', 'a folder with model packages; may be repeated', collect, [])
    .option('--json', 'machine-readable output');
}

const program = new Command('reelgraph')
  .description('Runs and checks video workflows without a server.')
  .version(version())
  .addHelpText('after', exitCodeHelp)
  .exitOverride()
  .configureOutput({ writeErr: (text) => process.stderr.write(text) });

withFolders(program.command('run'))
  .description('run a workflow (JSON, or a video made by Reelgraph) and save what it makes')
  .argument('<workflow>', 'workflow file')
  .option('--set <name=value>', 'set an input of the workflow, or node.param; may be repeated', collect, [])
  .option('--out <path>', 'file or folder for the result (default: its own name in the current folder)')
  .addHelpText('after', exitCodeHelp)
  .action(
    async (
      file: string,
      options: { set: string[]; out?: string; json?: boolean; data?: string; models: string[] },
    ) => {
      wantsJson = options.json === true;
      const { runCommand } = await import('./run-command.ts');
      exitCode = await runCommand(file, options, output);
    },
  );

withFolders(program.command('check'))
  .description('list everything wrong with workflow files, without running them')
  .argument('<workflow...>', 'workflow files')
  .option('--fix', 'mend what can be mended and write the files')
  .addHelpText('after', exitCodeHelp)
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

withFolders(program.command('models').description('model packages on this machine').command('list'))
  .description('list model packages')
  .action(async (options: { json?: boolean; data?: string; models: string[] }) => {
    const { modelsCommand } = await import('./models-command.ts');
    exitCode = await modelsCommand(options, output);
  });

const cache = program.command('cache').description('results kept of earlier runs');
const withData = (command: Command): Command =>
  command
    .option('--data <folder>', 'data folder (default: .reelgraph in the project, or REELGRAPH_DATA)')
    .option('--json', 'machine-readable output')
    .addHelpText('after', exitCodeHelp);

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
  .action(
    async (options: {
      json?: boolean;
      data?: string;
      to?: string;
      dryRun?: boolean;
      withHistory?: boolean;
    }) => {
      wantsJson = options.json === true;
      const { cachePruneCommand } = await import('./cache-command.ts');
      exitCode = await cachePruneCommand(options, output);
    },
  );

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
    const hint = 'hint' in error && typeof error.hint === 'string' ? error.hint : undefined;
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
