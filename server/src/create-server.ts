/** Composition root: puts the parts together, starts them in order, and takes them down in the other. */
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createCatalogue, createInputFiles, dataFolderAt, modelRootsOf } from '@reelgraph/host';
import { protocolVersion } from '@reelgraph/protocol';
import { openStore } from '@reelgraph/store';
import express, { Router } from 'express';
import helmet from 'helmet';
import { type Logger, pino } from 'pino';
import { EventHub } from './event-hub.ts';
import { createGuard, isLoopbackHost } from './guard.ts';
import { errorHandler, notFound } from './http-error.ts';
import { startLoopMonitor } from './loop-monitor.ts';
import { createMediaClient } from './media/media-client.ts';
import { createCallRegistry } from './register-call.ts';
import { registerFileRoutes } from './routes/file-routes.ts';
import { registerRunCalls } from './routes/run-routes.ts';
import { registerWorkflowCalls } from './routes/workflow-routes.ts';
import { openRunJournal } from './run-journal.ts';
import { RunQueue } from './run-queue.ts';
import { forkRunner, type StartRunner } from './runner/runner-process.ts';
import { RunnerSupervisor } from './runner/supervisor.ts';
import { createSocketServer } from './socket-server.ts';
import { staticEditor } from './static-editor.ts';
import { createWorkflowLibrary } from './workflow-library.ts';

export interface ServerOptions {
  readonly dataFolder: string;
  /** 0 takes any free port. */
  readonly port: number;
  /** Loopback unless a token is given. */
  readonly host: string;
  /** Folder of the built editor. */
  readonly uiFolder: string;
  /** Folder of the shipped workflows and their input files. */
  readonly workflowsFolder: string;
  /** Folders looked through for model packages, before those of the data folder and the embedded one. */
  readonly modelRoots?: readonly string[];
  /** Required of every request when set. */
  readonly token?: string;
  readonly log?: Logger;
  /** Another runner than the shipped one, for tests. */
  readonly startRunner?: StartRunner;
  readonly cancelDeadlineMs?: number;
}

export interface RunningServer {
  /** For example `http://127.0.0.1:7860`. */
  readonly address: string;
  readonly port: number;
  /** Ends connections and the runner; a run that goes on is taken up by the next server. */
  close(): Promise<void>;
}

const runnerEntry = join(import.meta.dirname, 'runner', 'runner-main.ts');

/**
 * Starts a server and answers when it listens.
 *
 * @throws Error for a host other machines reach without a token; the listen error (EADDRINUSE) of the system
 */
export async function createServer(options: ServerOptions): Promise<RunningServer> {
  if (!isLoopbackHost(options.host) && options.token === undefined) {
    throw new Error(
      `"${options.host}" can be reached from other machines, so a token is needed: set REELGRAPH_TOKEN.`,
    );
  }
  const log = options.log ?? pino({ level: 'silent' });
  const folder = dataFolderAt(options.dataFolder);
  const modelRoots = modelRootsOf(folder, options.modelRoots ?? []);
  const inputRoots = [
    { folder: join(options.workflowsFolder, 'inputs'), prefix: 'inputs' },
    { folder: folder.inputsFolder, prefix: 'inputs' },
  ];

  const journal = openRunJournal(folder.root);
  const store = await openStore(folder.artifactsFolder);
  const hub = new EventHub(journal);
  const supervisor = new RunnerSupervisor({
    startRunner:
      options.startRunner ??
      forkRunner({
        entry: runnerEntry,
        args: [JSON.stringify({ dataFolder: folder.root, inputRoots, modelRoots })],
      }),
    ...(options.cancelDeadlineMs === undefined ? {} : { cancelDeadlineMs: options.cancelDeadlineMs }),
    onEvent: ({ runId, seq: _seq, atMs: _atMs, ...body }) => hub.publish(runId, body),
    onPreview: (preview) => hub.publishPreview(preview),
    onNote: (note, details) => log.warn(details, note),
  });
  const queue = new RunQueue({
    hub,
    journal,
    supervisor,
    onNote: (note, details) => log.error(details, note),
  });
  const catalogue = await createCatalogue(modelRoots);
  const media = createMediaClient();
  const guard = createGuard({ token: options.token });
  const monitor = startLoopMonitor();

  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(securityHeaders());
  app.use((request, response, next) => {
    guard.checkRequest(request);
    const cookie = guard.cookieFor(request);
    if (cookie !== undefined && request.path === '/' && request.method === 'GET') {
      // The token leaves the address bar and the history at once.
      response.set('set-cookie', cookie).redirect(303, '/');
    } else next();
  });

  const router = Router();
  const registry = createCallRegistry(router);
  registry.call('getHealth', () => ({
    protocol: protocolVersion,
    serverId: hub.serverId,
    uptimeSeconds: process.uptime(),
    eventLoop: monitor.read(),
    runner: { pid: supervisor.pid ?? null },
  }));
  const library = createWorkflowLibrary({
    templates: options.workflowsFolder,
    saved: folder.workflowsFolder,
  });
  registerWorkflowCalls(registry, catalogue, library);
  registerRunCalls(registry, { catalogue, hub, journal, queue });
  registerFileRoutes(registry, { folder, inputFiles: createInputFiles(inputRoots), store, media });
  registry.finish();
  app.use(router);
  app.use(staticEditor(options.uiFolder));
  app.use(() => {
    throw notFound('There is nothing at this address.');
  });
  app.use(errorHandler(log));

  const server = createHttpServer(
    { headersTimeout: 15_000, requestTimeout: 120_000, keepAliveTimeout: 10_000 },
    app,
  );
  const sockets = createSocketServer({ hub, guard });
  server.on('upgrade', sockets.handleUpgrade);
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });

  async function closeParts(): Promise<void> {
    queue.stop();
    sockets.close();
    await supervisor.stop();
    hub.close();
    monitor.stop();
    await media.close();
    await catalogue.close();
    journal.close();
  }

  try {
    await new Promise<void>((listening, failed) => {
      server.once('error', failed);
      server.listen(options.port, options.host, () => {
        server.off('error', failed);
        listening();
      });
    });
  } catch (error) {
    await closeParts();
    throw error;
  }
  const { port } = addressOf(server.address());
  // After listening: the first page need not wait for the runner, and a busy port starts none.
  supervisor.start();
  queue.resume();
  // Starting is over; from here on somebody waits for the loop.
  monitor.reset();

  return {
    address: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    port,
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      await closeParts();
      server.closeAllConnections();
      await closed;
    },
  };
}

function addressOf(address: AddressInfo | string | null): AddressInfo {
  if (address === null || typeof address === 'string') throw new Error('the server listens on no TCP port');
  return address;
}

function securityHeaders() {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        // The editor places nodes with style attributes.
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        mediaSrc: ["'self'", 'blob:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        workerSrc: ["'self'", 'blob:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    crossOriginEmbedderPolicy: false,
    // Plain http on loopback: a browser that remembered https for this name could not come back.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  });
}
