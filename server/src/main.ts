/** The program behind `npm start`: reads its arguments, starts the server, says where it is, ends it politely. */
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunBudget } from '@reelgraph/graph';
import { budgetOf } from '@reelgraph/host';
import { createServer, type RunningServer } from './create-server.ts';
import { createLog, type LogLevel, logLevels, parseLogLevel } from './log.ts';

const projectRoot = resolve(import.meta.dirname, '../..');
const defaultPort = 7860;

const help = `Usage: npm start -- [options]

  --port <n>        port to listen on (default ${defaultPort}, or PORT; 0 takes a free one)
  --host <address>  address to listen on (default 127.0.0.1; others need REELGRAPH_TOKEN)
  --data <folder>   data folder (default .reelgraph in the project, or REELGRAPH_DATA)
  --models <folder> a folder with model packages; may be repeated
  --licences <profile>
                    any, or commercial: models that must not be used so do not run
                    (default any, or REELGRAPH_LICENCES)
  --device <device> where models run: auto, cpu, webgpu, cuda, tensorrt, coreml or dml
                    (default cpu, or REELGRAPH_DEVICE)
  --max-time <time>, --max-memory <size>, --max-disk <size>
                    runs that are expected to take more are not accepted
                    (or REELGRAPH_MAX_TIME, REELGRAPH_MAX_MEMORY, REELGRAPH_MAX_DISK)
  --help            this text

Environment: REELGRAPH_LOG=${logLevels.join('|')} (default warn) sets what is logged to stderr, as JSON lines.`;

/** Ends the program with one sentence for the person who started it. */
function giveUp(message: string): never {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        port: { type: 'string' },
        host: { type: 'string', default: '127.0.0.1' },
        data: { type: 'string' },
        models: { type: 'string', multiple: true, default: [] },
        licences: { type: 'string' },
        device: { type: 'string' },
        'max-time': { type: 'string' },
        'max-memory': { type: 'string' },
        'max-disk': { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    return giveUp(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
  }
}

function readPort(text: string): number {
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port;
  return giveUp(`Port "${text}" is not a number from 0 to 65535.`);
}

function readBudget(given: Parameters<typeof budgetOf>[0]): RunBudget {
  try {
    return budgetOf(given, process.env);
  } catch (error) {
    return giveUp(error instanceof Error ? error.message : String(error));
  }
}

function readLogLevel(name: string): LogLevel {
  return (
    parseLogLevel(name) ?? giveUp(`REELGRAPH_LOG is "${name}"; it can be one of ${logLevels.join(', ')}.`)
  );
}

/** A sentence for what can go wrong at start; undefined for what nobody foresaw. */
function startProblem(error: unknown, port: number, host: string, dataFolder: string): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is already in use. Is Reelgraph running? Choose another: npm start -- --port ${port + 1}`;
    case 'EACCES':
      return `Port ${port} or the data folder may not be used by this user. Choose another port or folder.`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `This machine has no address "${host}". Choose 127.0.0.1 or one of its own.`;
    default: {
      if (!(error instanceof Error)) return undefined;
      const hint = 'hint' in error && typeof error.hint === 'string' ? ` ${error.hint}` : '';
      const place =
        typeof code === 'string' && code.startsWith('store/') ? ` (data folder: ${dataFolder})` : '';
      return `${error.message}${hint}${place}`;
    }
  }
}

const values = readArguments();
if (values.help) {
  process.stdout.write(`${help}\n`);
  process.exit(0);
}
const port = readPort(values.port ?? process.env.PORT ?? String(defaultPort));
const dataFolder = resolve(values.data ?? process.env.REELGRAPH_DATA ?? join(projectRoot, '.reelgraph'));
const log = createLog(readLogLevel(process.env.REELGRAPH_LOG || 'warn'));
const budget = readBudget({
  maxTime: values['max-time'],
  maxMemory: values['max-memory'],
  maxDisk: values['max-disk'],
});
// Worker threads and the runner read them from the environment, as they do when they were set there.
if (values.device !== undefined) process.env.REELGRAPH_DEVICE = values.device;
if (values.licences !== undefined) process.env.REELGRAPH_LICENCES = values.licences;
const token = process.env.REELGRAPH_TOKEN;

let server: RunningServer;
try {
  server = await createServer({
    port,
    host: values.host,
    dataFolder,
    uiFolder: join(projectRoot, 'ui', 'dist'),
    workflowsFolder: join(projectRoot, 'workflows'),
    modelRoots: values.models.map((folder) => resolve(folder)),
    budget,
    ...(token === undefined || token === '' ? {} : { token }),
    log,
  });
} catch (error) {
  log.debug({ err: error }, 'start failed');
  giveUp(startProblem(error, port, values.host, dataFolder) ?? 'The server could not start.');
}

log.info({ address: server.address }, 'server is ready');
process.stdout.write(`Reelgraph is ready: ${server.address}\n`);

let isEnding = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    // The second one means: now.
    if (isEnding) process.exit(1);
    isEnding = true;
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        log.error({ err: error }, 'the server did not end well');
        process.exit(1);
      },
    );
  });
}
