import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { SafeSteps, SafeStepsWait } from './safe-steps.ts';

describe('how far a sampling is safe', () => {
  it('holds nobody up who is told in time', () => {
    const safe = new SafeSteps();
    const wait = new SafeStepsWait(safe.memory);
    wait.waitFor(0);
    safe.tell(3);
    safe.tell(2);
    wait.waitFor(3);
    // What is told late takes nothing back.
    const [told] = new Int32Array(safe.memory);
    expect(told).toBe(3);
  });

  it('is not taken back by a save that ends when nobody waits any more', () => {
    const safe = new SafeSteps();
    safe.letGo();
    safe.tell(1);
    const [told] = new Int32Array(safe.memory);
    expect(told).toBeGreaterThan(1_000_000);
  });

  /** Another thread that waits for the second step: what it says, and what this one does when it has begun to. */
  const waiting = (
    safe: SafeSteps,
    act: (said: string[]) => void,
    patience?: { readonly ms: number; readonly share: number },
  ) =>
    new Promise<string[]>((resolve, reject) => {
      const code = `
        const { parentPort, workerData } = require('node:worker_threads');
        import(workerData.module).then(({ SafeStepsWait }) => {
          const wait = new SafeStepsWait(workerData.memory, workerData.patience);
          parentPort.postMessage('waits');
          wait.waitFor(2);
          parentPort.postMessage('goes on');
        });`;
      const module = new URL('./safe-steps.ts', import.meta.url).href;
      const worker = new Worker(code, { eval: true, workerData: { memory: safe.memory, module, patience } });
      const said: string[] = [];
      worker.on('error', reject);
      worker.on('exit', () => resolve(said));
      worker.on('message', (message: string) => {
        said.push(message);
        if (message === 'waits') act(said);
      });
    });

  it.each([
    ['the step is safe', (safe: SafeSteps) => safe.tell(2), undefined],
    ['a later one is', (safe: SafeSteps) => safe.tell(5), undefined],
    ['nobody waits for the sampling', (safe: SafeSteps) => safe.letGo(), undefined],
    ['the step is safe, for a share of the time', (safe: SafeSteps) => safe.tell(2), { ms: 0, share: 1e9 }],
  ])('is waited for until %s', async (_, act, patience) => {
    const safe = new SafeSteps();
    const saw: string[][] = [];
    const begun = (so: string[]): void => {
      safe.tell(1);
      // Two turns of the other thread's messages: it would have gone on by now.
      setTimeout(() => {
        saw.push([...so]);
        act(safe);
      }, 50);
    };
    const said = await waiting(safe, begun, patience);
    expect(saw).toEqual([['waits']]);
    expect(said).toEqual(['waits', 'goes on']);
  });

  it('is not waited for without end on a disk that does not answer', () => {
    const safe = new SafeSteps();
    const wait = new SafeStepsWait(safe.memory, { ms: 20, share: 0 });
    wait.waitFor(1);
    wait.waitFor(2);
    safe.tell(3);
    wait.waitFor(3);
  });
});
