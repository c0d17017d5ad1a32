/** Reads models whole, one after the other, and remembers until the server ends what was found. */
import { Worker } from 'node:worker_threads';
import type { ModelSummary } from '@reelgraph/protocol';
import { HttpError } from '../http-error.ts';
import type { VerifyOrder, VerifyReport } from './verify-messages.ts';

export type Verification = NonNullable<ModelSummary['verification']>;

export interface ModelVerifier {
  /** Begins; `of` tells how far it is. @throws HttpError 409 while another is read */
  begin(name: string): void;
  of(name: string): Verification | undefined;
  close(): Promise<void>;
}

export function createModelVerifier(places: Omit<VerifyOrder, 'name'>): ModelVerifier {
  const known = new Map<string, Verification>();
  let atWork: { readonly name: string; readonly worker: Worker } | undefined;

  function end(name: string, problems: string[]): void {
    const { done = 0, total = 0 } = known.get(name) ?? {};
    known.set(name, { isRunning: false, done, total, problems });
  }

  return {
    begin(name) {
      if (atWork !== undefined) {
        throw new HttpError(
          409,
          'model/busy',
          `"${atWork.name}" is being read; one model is read at a time.`,
        );
      }
      known.set(name, { isRunning: true, done: 0, total: 0, problems: [] });
      const workerData: VerifyOrder = { ...places, name };
      const worker = new Worker(new URL('./verify-worker.ts', import.meta.url), { workerData });
      atWork = { name, worker };
      worker.on('message', (report: VerifyReport) => {
        if (report.kind === 'done') end(name, report.problems);
        else known.set(name, { isRunning: true, done: report.done, total: report.total, problems: [] });
      });
      worker.on('error', () => end(name, ['It could not be read to the end.']));
      worker.on('exit', () => {
        if (known.get(name)?.isRunning === true) end(name, ['It could not be read to the end.']);
        atWork = undefined;
      });
      worker.unref();
    },
    of: (name) => known.get(name),
    async close() {
      await atWork?.worker.terminate();
    },
  };
}
