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
  });

  /** Another thread that waits for the second step: what it says, and what this one does when it has begun to. */
  const waiting = (safe: SafeSteps, act: (said: string[]) => void) =>
    new Promise<string[]>((resolve, reject) => {
      const code = `
        const { parentPort, workerData } = require('node:worker_threads');
        import(workerData.module).then(({ SafeStepsWait }) => {
          const wait = new SafeStepsWait(workerData.memory);
          parentPort.postMessage('waits');
          wait.waitFor(2);
          parentPort.postMessage('goes on');
        });`;
      const module = new URL('./safe-steps.ts', import.meta.url).href;
      const worker = new Worker(code, { eval: true, workerData: { memory: safe.memory, module } });
      const said: string[] = [];
      worker.on('error', reject);
      worker.on('exit', () => resolve(said));
      worker.on('message', (message: string) => {
        said.push(message);
        if (message === 'waits') act(said);
      });
    });

  it.each([
    ['the step is safe', (safe: SafeSteps) => safe.tell(2)],
    ['a later one is', (safe: SafeSteps) => safe.tell(5)],
    ['nobody waits for the sampling', (safe: SafeSteps) => safe.letGo()],
  ])('is waited for until %s', async (_, act) => {
    const safe = new SafeSteps();
    const saw: string[][] = [];
    const said = await waiting(safe, (so) => {
      safe.tell(1);
      // Two turns of the other thread's messages: it would have gone on by now.
      setTimeout(() => {
        saw.push([...so]);
        act(safe);
      }, 50);
    });
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
