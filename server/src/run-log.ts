/** Logs what happens in runs: the run itself at `info`, what kept it from its end at `warn`, its nodes at `debug`. */
import type { RunEvent } from '@reelgraph/graph';
import type { Logger } from 'pino';

/** Takes in events as they are told. Names, messages and values of params are what people wrote, so only codes appear. */
export function createRunLog(log: Logger): (event: RunEvent) => void {
  return (event) => {
    const { runId } = event;
    switch (event.type) {
      case 'run.queued':
        log.info({ runId, priority: event.priority, from: event.from }, 'run queued');
        return;
      case 'run.assigned':
        log.info({ runId, attempt: event.attempt }, 'run given to a runner');
        return;
      case 'run.started':
        log.info({ runId, nodes: event.nodeIds.length }, 'run started');
        return;
      case 'run.cancel-requested':
        log.info({ runId }, 'run asked to end');
        return;
      case 'run.released':
        log.info({ runId }, 'run put back for the next server');
        return;
      case 'run.interrupted':
        log.warn({ runId, by: event.by, code: event.error.code, step: event.step }, 'run interrupted');
        return;
      case 'run.finished': {
        const { status, durationMs, error, failures } = event;
        const failed = failures?.map(({ nodeId, code }) => ({ nodeId, code }));
        const isWell = status === 'succeeded' || status === 'cancelled';
        log[isWell ? 'info' : 'warn'](
          { runId, status, durationMs, code: error?.code, failures: failed },
          'run finished',
        );
        return;
      }
      case 'node.started': {
        const { nodeId, nodeType, lane, waitedMs, because } = event;
        log.debug({ runId, nodeId, nodeType, lane, waitedMs, because }, 'node started');
        return;
      }
      case 'node.waiting':
        log.debug({ runId, nodeId: event.nodeId, for: event.for }, 'node waits');
        return;
      case 'node.cached':
        log.debug({ runId, nodeId: event.nodeId, source: event.source }, 'node from the cache');
        return;
      case 'node.finished':
        log.debug({ runId, nodeId: event.nodeId, durationMs: event.durationMs }, 'node finished');
        return;
      case 'node.failed':
        log.debug({ runId, nodeId: event.nodeId, error: event.error }, 'node failed');
        return;
      case 'node.skipped':
        log.debug({ runId, nodeId: event.nodeId, because: event.because }, 'node skipped');
    }
  };
}
