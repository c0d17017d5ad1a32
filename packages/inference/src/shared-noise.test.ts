import { Worker } from 'node:worker_threads';
import { fromFunction } from '@reelgraph/tensor';
import { describe, expect, it } from 'vitest';
import { NoiseSink, NoiseSource } from './shared-noise.ts';

const shape = [2, 3];
const noiseAt = (step: number) => fromFunction(shape, (i) => 100 * step + i);

describe('noise that two threads share', () => {
  it('is drawn step after step, two ahead of what is done', () => {
    const drawn: number[] = [];
    const source = new NoiseSource(shape, { firstStep: 0, endStep: 4 }, (step) => {
      drawn.push(step);
      return noiseAt(step);
    });
    source.drawAfter();
    expect(drawn).toEqual([0, 1]);
    const sink = new NoiseSink(source.shared);
    for (let step = 0; step < 4; step++) {
      expect(sink.noiseOf(step)).toEqual(noiseAt(step));
      source.drawAfter(step + 1);
      expect(drawn.at(-1)).toBe(Math.min(3, step + 2));
    }
  });

  it('goes on from the step at which a sampling goes on', () => {
    const source = new NoiseSource(shape, { firstStep: 5, endStep: 9 }, noiseAt);
    source.drawAfter();
    const sink = new NoiseSink(source.shared);
    expect(sink.noiseOf(5)).toEqual(noiseAt(5));
    expect(sink.noiseOf(6)).toEqual(noiseAt(6));
  });

  it('takes no memory for a sampler that draws none', () => {
    const source = new NoiseSource([1, 24, 500, 100, 100], { firstStep: 0, endStep: 0 }, noiseAt);
    source.drawAfter();
    expect(source.shared.memory.byteLength).toBe(8);
  });

  it('is refused for a step that none is drawn for', () => {
    const source = new NoiseSource(shape, { firstStep: 0, endStep: 2 }, noiseAt);
    source.drawAfter();
    expect(() => new NoiseSink(source.shared).noiseOf(2)).toThrowError('No noise is drawn for step 2.');
  });

  /** Another thread that waits for the noise of step 0, and what comes of it when this one does something. */
  const waiting = (source: NoiseSource, act: () => void) =>
    new Promise((resolve, reject) => {
      const code = `
        const { parentPort, workerData } = require('node:worker_threads');
        import(workerData.module).then(({ NoiseSink }) => {
          const sink = new NoiseSink(workerData.shared);
          parentPort.postMessage('waits');
          try { parentPort.postMessage([...sink.noiseOf(0).data]); }
          catch (error) { parentPort.postMessage(error.message); }
        });`;
      const module = new URL('./shared-noise.ts', import.meta.url).href;
      const worker = new Worker(code, { eval: true, workerData: { shared: source.shared, module } });
      worker.on('error', reject);
      worker.on('message', (message) => {
        if (message === 'waits') act();
        else resolve(message);
      });
    });

  it('is waited for by the thread that needs it', async () => {
    const source = new NoiseSource(shape, { firstStep: 0, endStep: 1 }, noiseAt);
    expect(await waiting(source, () => source.drawAfter())).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('is not waited for when the sampling was stopped', async () => {
    const source = new NoiseSource(shape, { firstStep: 0, endStep: 1 }, noiseAt);
    expect(await waiting(source, () => source.stop())).toBe('The sampling was stopped.');
  });

  it('is not drawn any more when the sampling was stopped', () => {
    const drawn: number[] = [];
    const source = new NoiseSource(shape, { firstStep: 0, endStep: 4 }, (step) => {
      drawn.push(step);
      return noiseAt(step);
    });
    source.stop();
    source.drawAfter(1);
    expect(drawn).toEqual([]);
  });
});
