/** The process of `probeDevices`: runs a small graph on one device, checks the numbers, and says how long it took. */
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { deviceNames } from './devices.ts';
import { sessionOptionsFor } from './session-options.ts';

/** Whole numbers: their products and sums are exact in every format that a device may compute with. */
const valueAt = (row: number, column: number) => ((row * 7 + column * 3) % 9) - 4;

function table(side: number): Tensor {
  const data = Float32Array.from({ length: side * side }, (_, index) =>
    valueAt(Math.floor(index / side), index % side),
  );
  return new Tensor('float32', data, [side, side]);
}

/** `relu(a · a)` at a place. */
function expectedAt(side: number, row: number, column: number): number {
  let sum = 0;
  for (let inner = 0; inner < side; inner++) sum += valueAt(row, inner) * valueAt(inner, column);
  return Math.max(0, sum);
}

async function time(session: InferenceSession, side: number, rounds: number): Promise<number> {
  const feeds = { a: table(side), b: table(side) };
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const startMs = performance.now();
    const { result } = await session.run(feeds);
    times.push(performance.now() - startMs);
    for (const [row, column] of [
      [0, 0],
      [1, side - 1],
      [side - 1, 2],
      [side >> 1, side >> 1],
    ] as const) {
      const found = Number(result?.data[row * side + column]);
      const expected = expectedAt(side, row, column);
      if (found !== expected) throw new Error(`it computes wrongly: ${found} where ${expected} is right`);
    }
  }
  times.sort((a, b) => a - b);
  return times[times.length >> 1] ?? 0;
}

const device = deviceNames.find((name) => name === process.argv[2]) ?? 'cpu';
const tell = (answer: object) => writeSync(1, JSON.stringify(answer));
try {
  const startMs = performance.now();
  // Alone: with others behind it the runtime would answer with those, and nobody knew.
  const session = await InferenceSession.create(
    join(import.meta.dirname, 'probe.onnx'),
    sessionOptionsFor({ threads: 0, device, isAlone: true }),
  );
  await time(session, 64, 1);
  const firstMs = performance.now() - startMs;
  const smallMs = await time(session, 64, 5);
  await time(session, 512, 1);
  tell({ firstMs, smallMs, largeMs: await time(session, 512, 3) });
} catch (error) {
  tell({ failed: error instanceof Error ? error.message : String(error) });
}
