/** A server's life: takes its port, puts its parts together, answers, and ends in the other order. */
import { createServer as createHttpServer, type Server } from 'node:http';
import type { RunBudget } from '@reelgraph/graph';
import type { Logger } from 'pino';
import { composeServer, type ServerParts } from './compose-server.ts';
import { isLoopbackHost } from './guard.ts';
import type { StartRunner } from './runner/runner-process.ts';

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
  /** Node types beside the built-in ones: absolute paths of modules that export `nodes`. */
  readonly nodeModules?: readonly string[];
  /** What a run may be expected to take; one that is over it is not accepted. */
  readonly budget?: RunBudget;
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

/**
 * Starts a server and answers when it is ready.
 *
 * The port comes first: on a busy one nothing else is touched. Requests that arrive while the parts are put
 * together wait for them.
 *
 * @throws Error for a host other machines reach without a token; the listen error (EADDRINUSE) of the system;
 *   StoreError when the data folder is in use by another server or cannot be used
 */
export async function createServer(options: ServerOptions): Promise<RunningServer> {
  if (!isLoopbackHost(options.host) && options.token === undefined) {
    throw new Error(
      `"${options.host}" can be reached from other machines, so a token is needed: set REELGRAPH_TOKEN.`,
    );
  }
  const ready = Promise.withResolvers<ServerParts>();
  const server = createHttpServer(
    { headersTimeout: 15_000, requestTimeout: 600_000, keepAliveTimeout: 10_000 },
    (request, response) => {
      ready.promise.then(
        ({ app }) => app(request, response),
        () => response.destroy(),
      );
    },
  );
  server.on('upgrade', (request, socket, head) => {
    // A peer that resets before anybody serves it must not end the process.
    socket.on('error', () => {});
    ready.promise.then(
      ({ sockets }) => sockets.handleUpgrade(request, socket, head),
      () => socket.destroy(),
    );
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  });

  const port = await listen(server, options);
  let parts: ServerParts;
  try {
    parts = await composeServer(options);
    ready.resolve(parts);
  } catch (error) {
    // Whoever waits is sent away; the caller gets the reason.
    ready.promise.catch(() => {});
    ready.reject(error);
    server.close();
    server.closeAllConnections();
    throw error;
  }
  parts.start();

  return {
    address: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    port,
    async close() {
      const closed = new Promise<void>((done) => server.close(() => done()));
      await parts.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Listens and answers the port, which the system chose when 0 was asked for. */
function listen(
  server: Server,
  { port, host }: { readonly port: number; readonly host: string },
): Promise<number> {
  return new Promise((listening, failed) => {
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      const address = server.address();
      if (address === null || typeof address === 'string')
        failed(new Error('the server listens on no TCP port'));
      else listening(address.port);
    });
  });
}
