/** Following a run over the real event stream, and reading the frames of what it made. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ReelgraphClient } from '@reelgraph/client';
import { type FileSummary, type RunEvent, type RunState, reduceRun } from '@reelgraph/graph';
import { findFfmpeg } from '@reelgraph/media';
import type { Preview } from '@reelgraph/protocol';

export interface FollowedRun {
  readonly state: RunState;
  readonly events: readonly RunEvent[];
}

/** Starts a run and waits for its end; every event of the run is returned in order. */
export async function runToEnd(
  client: ReelgraphClient,
  workflow: unknown,
  options: {
    onEvent?: (event: RunEvent) => void;
    onPreview?: (preview: Preview) => void;
    timeoutMs?: number;
  } = {},
): Promise<FollowedRun> {
  let runId: string | undefined;
  const early: RunEvent[] = [];
  const events: RunEvent[] = [];
  let state: RunState | undefined;
  return new Promise((done, failed) => {
    const timer = setTimeout(() => {
      connection.close();
      failed(new Error(`the run did not end in time; last state: ${JSON.stringify(state)}`));
    }, options.timeoutMs ?? 120_000);
    const take = (event: RunEvent) => {
      if (event.runId !== runId) return;
      events.push(event);
      state = reduceRun(state, event);
      options.onEvent?.(event);
      if (event.type === 'run.finished' && state) {
        clearTimeout(timer);
        connection.close();
        done({ state, events });
      }
    };
    const connection = client.connectEvents({
      onWelcome: () => {
        if (runId !== undefined) return;
        client.startRun(workflow).then(
          (answer) => {
            runId = answer.runId;
            for (const event of early.splice(0)) take(event);
          },
          (error: unknown) => {
            clearTimeout(timer);
            connection.close();
            failed(error);
          },
        );
      },
      onEvent: ({ event }) => {
        if (runId === undefined) early.push(event);
        else take(event);
      },
      onPreview: (preview) => options.onPreview?.(preview),
    });
  });
}

/** The one video file that a run delivered at `nodeId`. */
export function videoOf(state: RunState, nodeId: string): FileSummary {
  const file = state.nodes[nodeId]?.outputs?.video?.file;
  if (!file) throw new Error(`no video at node "${nodeId}" in ${JSON.stringify(state)}`);
  return file;
}

/** MD5 of every decoded frame, as ffmpeg's framemd5 muxer prints them: equal lists mean equal frames. */
export async function frameHashes(videoPath: string): Promise<string[]> {
  const { stdout } = await promisify(execFile)(
    findFfmpeg(),
    ['-v', 'error', '-i', videoPath, '-map', '0:v', '-f', 'framemd5', '-'],
    {
      maxBuffer: 1 << 26,
    },
  );
  return stdout
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(',').at(-1)?.trim() ?? '');
}
