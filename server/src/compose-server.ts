/** Puts the parts of a server together: journal, runner, routes and event stream. */
import { join } from 'node:path';
import {
  chosenDevice,
  createCatalogue,
  createInputFiles,
  dataFolderAt,
  digestFileOf,
  loadRegistry,
  modelRootsOf,
  removeIncomingLeftovers,
  runLimitsOf,
} from '@reelgraph/host';
import { protocolVersion } from '@reelgraph/protocol';
import { openStore } from '@reelgraph/store';
import express, { type Express, Router } from 'express';
import helmet from 'helmet';
import { createChecker } from './check/check-client.ts';
import type { ServerOptions } from './create-server.ts';
import { createEstimator } from './estimate/estimate-client.ts';
import { EventHub } from './event-hub.ts';
import { createGuard } from './guard.ts';
import { errorHandler, notFound } from './http-error.ts';
import { LiveSessions } from './live/live-sessions.ts';
import { createLog, requestScope } from './log.ts';
import { startLoopMonitor } from './loop-monitor.ts';
import { createMediaClient } from './media/media-client.ts';
import { createMetrics } from './metrics.ts';
import { createModelVerifier } from './models/model-verifier.ts';
import { createCallRegistry } from './register-call.ts';
import { requestLog } from './request-log.ts';
import { countMissingFiles } from './result-files.ts';
import { registerFileRoutes } from './routes/file-routes.ts';
import { registerModelCalls } from './routes/model-routes.ts';
import { registerQueueCalls } from './routes/queue-routes.ts';
import { registerRunCalls } from './routes/run-routes.ts';
import { registerWorkflowCalls } from './routes/workflow-routes.ts';
import { openRunJournal } from './run-journal.ts';
import { createRunLog } from './run-log.ts';
import { RunQueue } from './run-queue.ts';
import { forkRunner } from './runner/runner-process.ts';
import { RunnerSupervisor } from './runner/supervisor.ts';
import { createSocketServer, type SocketServer } from './socket-server.ts';
import { staticEditor } from './static-editor.ts';
import { createWorkflowLibrary } from './workflow-library.ts';

/** A server but for its port. */
export interface ServerParts {
  readonly app: Express;
  readonly sockets: SocketServer;
  /** Starts the runner and takes up what an earlier server left. */
  start(): void;
  /** Ends connections and the runner; a run that goes on stays unfinished in the journal. */
  close(): Promise<void>;
}

const runnerEntry = join(import.meta.dirname, 'runner', 'runner-main.ts');

/** @throws StoreError when the data folder is in use by another server or cannot be used */
export async function composeServer(options: ServerOptions): Promise<ServerParts> {
  const log = options.log ?? createLog('silent');
  const folder = dataFolderAt(options.dataFolder);
  const modelRoots = modelRootsOf(folder, options.modelRoots ?? []);
  const nodeModules = [...(options.nodeModules ?? [])];
  const inputRoots = [
    { folder: join(options.workflowsFolder, 'inputs'), prefix: 'inputs' },
    { folder: folder.inputsFolder, prefix: 'inputs' },
  ];

  const journal = openRunJournal(folder.root, { onNote: (note, details) => log.warn(details, note) });
  const store = await openStore(folder.artifactsFolder);
  void removeIncomingLeftovers(folder.inputsFolder);
  const hub = new EventHub(journal);
  const monitor = startLoopMonitor();
  const metrics = createMetrics({
    queue: () => hub.queue,
    loop: monitor,
    isRunnerUp: () => supervisor.pid !== undefined,
    socketCount: () => sockets.clientCount,
    measureStore: () => store.measure(),
  });
  const logRun = createRunLog(log);
  hub.subscribe({
    onEvent: ({ event }) => {
      metrics.hear(event);
      logRun(event);
    },
    onPreview: () => {},
    onProblem: () => {},
  });
  const startRunner =
    options.startRunner ??
    forkRunner({
      entry: runnerEntry,
      args: [JSON.stringify({ dataFolder: folder.root, inputRoots, modelRoots, nodeModules })],
    });
  const supervisor = new RunnerSupervisor({
    startRunner: (listener) => {
      metrics.runnerStarted();
      // It outlives the request that it may be started for.
      return requestScope.exit(() => startRunner(listener));
    },
    ...(options.cancelDeadlineMs === undefined ? {} : { cancelDeadlineMs: options.cancelDeadlineMs }),
    silenceMs: runLimitsOf(process.env).silenceMs,
    onEvent: (event, job) => queue.hear(event, job),
    onPreview: (preview) => hub.publishPreview(preview),
    onWarning: ({ runId, nodeId, problem }) => {
      log.warn({ runId, nodeId, ...problem }, 'run goes on in spite of a problem');
      hub.publishProblem(problem.code, `${nodeId}: ${problem.message}`);
    },
    onLive: (answer) => live.handle(answer),
    onRunnerLost: () => {
      live.loseAll();
      void store.removeLeftovers();
    },
    onNote: (note, details) => log.warn(details, note),
  });
  const live = new LiveSessions({ send: (request) => supervisor.sendLive(request) });
  const noteError = (note: string, details: Record<string, unknown>) => log.error(details, note);
  const queue: RunQueue = new RunQueue({
    hub,
    request: journal.request,
    flushed: (done) => {
      journal
        .flush()
        .catch((error: unknown) => noteError('the journal was not flushed', { err: error }))
        .then(done)
        .catch((error: unknown) => noteError('the next run could not begin', { err: error }));
    },
    runner: {
      execute: (job, ended) => {
        supervisor
          .execute(job)
          .then(ended)
          .catch((error: unknown) => noteError('run could not be settled', { runId: job.runId, err: error }));
      },
      cancel: (runId) => supervisor.cancel(runId),
    },
    inspect: (job, done) => {
      if (!estimator.isLimited) {
        done({});
        return;
      }
      estimator
        .estimate(job.workflow, job.targets)
        .catch((error: unknown) => {
          noteError('the budget of a run could not be looked at', { runId: job.runId, err: error });
          return { refusal: undefined, needsFreshProcess: false };
        })
        .then(({ refusal, needsFreshProcess }) => done({ refusal, needsFreshRunner: needsFreshProcess }))
        .catch((error: unknown) => noteError('a run could not begin', { runId: job.runId, err: error }));
    },
    countMissing: (files, done) => {
      countMissingFiles(store, files)
        .then(done)
        .catch((error: unknown) => noteError('run could not be settled', { err: error }));
    },
    onNote: noteError,
  });
  const media = createMediaClient();
  const inputFiles = createInputFiles(inputRoots);
  const device = await chosenDevice(digestFileOf(folder));
  if (device.message !== undefined) log.warn({ device: device.device }, device.message);
  const catalogue = await createCatalogue(modelRoots, {
    files: inputFiles,
    digestFile: digestFileOf(folder),
    registry: await loadRegistry(nodeModules),
    inspect: (file) => media.facts(file),
  });
  const verifier = createModelVerifier({ modelRoots, digestFile: digestFileOf(folder) });
  const checker = createChecker(catalogue, { modelRoots, inputRoots, nodeModules });
  const estimator = createEstimator({
    places: { modelRoots, inputRoots, nodeModules, dataFolder: folder.root },
    budget: options.budget ?? {},
    runnerPid: () => supervisor.pid,
  });
  const guard = createGuard({ token: options.token, host: options.host });

  const app = express();
  app.disable('x-powered-by');
  app.set('query parser', 'simple');
  app.use(requestLog(log));
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
  registry.bytes('GET', '/metrics', async (_request, response) => {
    response
      .set('cache-control', 'no-store')
      .type(metrics.contentType)
      .send(await metrics.text());
  });
  const library = createWorkflowLibrary({
    templates: options.workflowsFolder,
    saved: folder.workflowsFolder,
  });
  registerModelCalls(registry, { catalogue, verifier, device });
  registerWorkflowCalls(registry, { catalogue, checker, library });
  registerRunCalls(registry, { catalogue, checker, estimator, hub, journal, queue });
  registerQueueCalls(registry, { hub, journal, queue });
  registerFileRoutes(registry, { folder, inputFiles, store, media });
  registry.finish();
  app.use(router);
  app.use(staticEditor(options.uiFolder));
  app.use(() => {
    throw notFound('There is nothing at this address.');
  });
  app.use(errorHandler(log));

  const sockets = createSocketServer({ hub, guard, live });

  return {
    app,
    sockets,
    start() {
      supervisor.start();
      queue.start(hub.unreadableRunIds);
      // Starting is over; from here on somebody waits for the loop.
      monitor.reset();
    },
    async close() {
      queue.stop();
      sockets.close();
      await supervisor.stop();
      hub.close();
      monitor.stop();
      await media.close();
      await verifier.close();
      await checker.close();
      await estimator.close();
      await catalogue.close();
      store.close();
      journal.close();
    },
  };
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
