/** The shipped model decodes long and large latents in pieces; what they hold is what the whole holds. */
import { createModelService } from '@reelgraph/inference';
import { randomNormal } from '@reelgraph/tensor';
import { modelFolder } from '@reelgraph/toybox';
import { describe, expect, it } from 'vitest';

const { signal } = new AbortController();

describe('Toybox, decoded by chunk', () => {
  it.each([
    ['65 frames, divided in time', { frames: 17, rows: 8, columns: 8 }, 640],
    ['9 large frames, divided in space', { frames: 3, rows: 24, columns: 20 }, 700],
    ['33 large frames, divided in both', { frames: 9, rows: 16, columns: 24 }, 1000],
  ])('%s: as the whole', async (_, { frames, rows, columns }, mostPlaces) => {
    const models = await createModelService({
      roots: [modelFolder],
      decodeBounds: { mostPlaces, mostChunkBytes: 2 ** 27 },
    });
    try {
      const model = await models.resolve('toybox', signal);
      const latent = randomNormal('3', [1, 24, frames, rows, columns]);
      const whole = await models.decodeLatent(model, latent, signal);
      const [, , total = 0, height = 0, width = 0] = whole.shape;
      let [at, worst, chunks] = [0, 0, 0];
      for await (const { data, shape } of models.decodeByChunk(model, latent, signal)) {
        const places = (shape[2] ?? 0) * height * width;
        for (let i = 0; i < data.length; i++) {
          const there = (Math.floor(i / places) * total + at) * height * width + (i % places);
          worst = Math.max(worst, Math.abs(data[i]! - whole.data[there]!));
        }
        at += shape[2] ?? 0;
        chunks += 1;
      }
      expect(at).toBe(total);
      // 1e-5 of a range of 2: sums of float32 in another order, over the layers of the decoder.
      expect(worst).toBeLessThan(1e-5);
      // Not vacuous: some of these latents are divided in time.
      if (rows * columns * frames > mostPlaces && frames > 8) expect(chunks).toBeGreaterThan(1);
    } finally {
      await models.dispose();
    }
  });
});
