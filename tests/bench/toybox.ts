/** What Toybox makes of 200 held-out prompts, read back by the scorer, beside chance and beside true renders. */
import { formatScoreTable, heldOutPrompts, renderScene, scoreClips } from '@reelgraph/toybox';
import { createCapturingEngine } from './capture.ts';
import type { BenchSection } from './section.ts';
import { textToFrames } from './workflow.ts';

/** [1, 3, T, H, W] in [-1, 1] -> RGB bytes [T, H, W, 3] */
function toBytes(data: Float32Array, frameCount: number, height: number, width: number): Uint8Array {
  const plane = height * width;
  const bytes = new Uint8Array(frameCount * plane * 3);
  for (let channel = 0; channel < 3; channel++) {
    for (let t = 0; t < frameCount; t++) {
      const source = (channel * frameCount + t) * plane;
      for (let i = 0; i < plane; i++) {
        const value = Math.round(((data[source + i] ?? 0) + 1) * 127.5);
        bytes[(t * plane + i) * 3 + channel] = Math.max(0, Math.min(255, value));
      }
    }
  }
  return bytes;
}

/** Rates wanted of the first world. */
const wanted: Readonly<Record<string, number>> = {
  colour: 0.95,
  background: 0.95,
  shape: 0.85,
  motion: 0.85,
};

const toybox: BenchSection = async (report) => {
  const prompts = heldOutPrompts();
  const { engine, taken, close } = await createCapturingEngine();
  try {
    const clips = [];
    for (const { caption, seed } of prompts) {
      const result = await engine.run({
        runId: `toybox-${seed}`,
        workflow: textToFrames({ 'prompt.prompt': caption, 'noise.seed': String(seed) }),
        onEvent: () => {},
      });
      const frames = taken()[0];
      if (!frames) throw new Error(`no frames for "${caption}": ${JSON.stringify(result.error)}`);
      const [, , frameCount = 0, height = 0, width = 0] = frames.pixels.shape;
      clips.push({
        caption,
        frameCount,
        height,
        width,
        frames: toBytes(frames.pixels.data, frameCount, height, width),
      });
      engine.dropMemory();
    }
    const truth = scoreClips(prompts.map(({ caption, scene }) => ({ caption, ...renderScene(scene) })));
    console.log('true renders of the same prompts:');
    console.log(formatScoreTable(truth));
    const rows = scoreClips(clips);
    console.log(`Toybox, ${prompts.length} held-out prompts, the settings of workflows/text-to-video.json:`);
    console.log(formatScoreTable(rows));
    for (const row of rows) {
      const want = wanted[row.attribute];
      report({
        name: `${row.attribute} read back as asked (chance ${(100 * row.chance).toFixed(1)} %)`,
        value: `${(100 * row.rate).toFixed(1)} %`,
        ...(want === undefined ? {} : { wanted: `≥ ${100 * want} %`, met: row.rate >= want }),
      });
    }
  } finally {
    await close();
  }
};
export default toybox;
