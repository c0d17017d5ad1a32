/** The process of `openInChild`: opens the graphs that it is given and says so, a line each. */
import { writeSync } from 'node:fs';
import { InferenceSession } from 'onnxruntime-node';
import { sessionOptionsFor } from './session-options.ts';

// Written through: what is in a buffer when the process dies is lost.
const tell = (line: object) => writeSync(1, `${JSON.stringify(line)}\n`);

for (const path of process.argv.slice(2)) {
  tell({ opening: path });
  const startMs = performance.now();
  try {
    const session = await InferenceSession.create(path, sessionOptionsFor({ threads: 1, prepack: false }));
    tell({ opened: path, openMs: performance.now() - startMs });
    await session.release();
  } catch (error) {
    tell({ failed: error instanceof Error ? error.message : String(error) });
  }
}
