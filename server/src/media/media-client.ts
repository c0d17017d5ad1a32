/**
 * Looks into pictures and videos on a thread of its own: loading the libraries alone would hold up everybody
 * else's requests for a fifth of a second.
 */
import { Worker } from 'node:worker_threads';
import type { FileBytes } from '@reelgraph/media';
import { type FileFacts, NodeError } from '@reelgraph/node-api';
import type { InspectedFile, MediaAnswer, MediaRequest } from './media-requests.ts';

export interface MediaClient {
  /**
   * What a picture or video is, by its bytes, which may be those of a file that stays open meanwhile.
   *
   * @throws NodeError 'media/not-an-image' | 'media/not-a-video' | 'media/too-large' | 'media/timeout'
   */
  inspect(bytes: FileBytes): Promise<InspectedFile>;
  /** What a check of a workflow knows of a file. @throws NodeError 'media/timeout' */
  facts(bytes: FileBytes): Promise<FileFacts>;
  /** The text a video carries under the name `workflow`. @throws NodeError 'media/not-a-video' | 'media/timeout' */
  readWorkflowText(mp4: FileBytes): Promise<string | undefined>;
  close(): Promise<void>;
}

interface Pending {
  readonly resolve: (answer: MediaAnswer) => void;
  readonly reject: (error: Error) => void;
  readonly timer: ReturnType<typeof setTimeout>;
}

export interface MediaClientOptions {
  /** A request that takes longer has met a file that stops the library; its worker is ended. */
  readonly deadlineMs?: number;
  /** Another worker than the shipped one, for tests. */
  readonly startWorker?: () => Worker;
}

/** A client whose worker starts with the first request. */
export function createMediaClient({
  deadlineMs = 30_000,
  startWorker = () => new Worker(new URL('media-worker.ts', import.meta.url)),
}: MediaClientOptions = {}): MediaClient {
  let worker: Worker | undefined;
  let nextId = 1;
  const pending = new Map<number, Pending>();

  function settle(id: number): Pending | undefined {
    const request = pending.get(id);
    pending.delete(id);
    clearTimeout(request?.timer);
    return request;
  }

  function begin(): Worker {
    const started = startWorker();
    // What a worker tells after it failed says nothing about the one in its place.
    const fail = (error: Error) => {
      if (worker !== started) return;
      worker = undefined;
      for (const id of [...pending.keys()]) settle(id)?.reject(error);
    };
    started.on('message', (answer: MediaAnswer) => settle(answer.id)?.resolve(answer));
    started.on('error', (cause) => fail(new Error('the media worker failed', { cause })));
    started.on('exit', () => fail(new Error('the media worker ended')));
    // An idle worker keeps no program alive.
    started.unref();
    return started;
  }

  /** Ends a worker that hangs; whoever waits with it may ask again. */
  function giveUp(): void {
    const hung = worker;
    worker = undefined;
    const error = new NodeError('media/timeout', 'This file could not be read in time.', {
      hint: 'Try again, or use a smaller file.',
    });
    for (const id of [...pending.keys()]) settle(id)?.reject(error);
    void hung?.terminate();
  }

  async function ask(kind: MediaRequest['kind'], bytes: FileBytes): Promise<MediaAnswer> {
    worker ??= begin();
    const id = nextId++;
    const answered = new Promise<MediaAnswer>((resolve, reject) =>
      pending.set(id, { resolve, reject, timer: setTimeout(giveUp, deadlineMs) }),
    );
    worker.postMessage({ id, kind, bytes } satisfies MediaRequest);
    const answer = await answered;
    if (answer.kind === 'refused') {
      throw new NodeError(
        answer.code,
        answer.message,
        answer.hint === undefined ? {} : { hint: answer.hint },
      );
    }
    if (answer.kind === 'failed') throw new Error(answer.message);
    return answer;
  }

  return {
    async inspect(bytes) {
      const answer = await ask('inspect', bytes);
      if (answer.kind !== 'inspected') throw new Error(`expected what it is, got ${answer.kind}`);
      return answer.file;
    },
    async facts(bytes) {
      const answer = await ask('facts', bytes);
      if (answer.kind !== 'facts') throw new Error(`expected facts, got ${answer.kind}`);
      return answer.facts;
    },
    async readWorkflowText(mp4) {
      const answer = await ask('read-workflow', mp4);
      if (answer.kind !== 'workflow') throw new Error(`expected a workflow, got ${answer.kind}`);
      return answer.text;
    },
    async close() {
      await worker?.terminate();
    },
  };
}
