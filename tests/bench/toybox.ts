/**
 * What Toybox makes of the held-out prompts, read back by the scorer; beside it what the scorer says of true
 * renders, of spoilt ones, and of clips that show nothing of the prompt. Prints the table of the model card.
 *
 * `--count N` takes N of the 500 prompts; `--variant fast` the few-step model; `--precision fp32` other weights than
 * by default; `--only scorer`, `prompts`,
 * `tasks` or `time` one part; `--out FOLDER` writes the clips there as `clips.u8` and `clips.json`.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Clip, framePsnr, heldOutPrompts, renderScene } from '@reelgraph/toybox';
import { formatShare, type Line, measureScorer, shareRight } from '../../packages/toybox/bench/columns.ts';
import { type Judged, judge, scores } from '../../packages/toybox/bench/scores.ts';
import { type CapturingEngine, createCapturingEngine } from './capture.ts';
import { type BenchSection, median } from './section.ts';
import { clipOf, cut, framesOf, make } from './toybox-clips.ts';
import { measureTasks } from './toybox-tasks.ts';
import { textToVideo } from './workflow.ts';

const parts = ['scorer', 'prompts', 'tasks', 'time'] as const;

const toybox: BenchSection = async (report, { count, variant = 'base', precision = 'auto', only, out }) => {
  if (only !== undefined && !parts.some((part) => part === only))
    throw new Error(`the toybox bench has no part "${only}"; it has ${parts.join(', ')}`);
  const does = (part: (typeof parts)[number]) => only === undefined || only === part;
  const settings = { 'model.variant': variant, 'model.precision': precision };
  const all = heldOutPrompts();
  const most = Math.min(count ?? all.length, all.length);
  const prompts = Array.from({ length: most }, (_, i) => all[Math.floor((i * all.length) / most)]!);
  const bench = await createCapturingEngine();
  try {
    let lines: readonly Line[] | undefined;
    if (does('scorer')) lines = measureScorer(prompts, (message) => console.error(message)).lines;
    let judged: Judged[] | undefined;
    if (does('prompts')) {
      const clips: Clip[] = [];
      judged = [];
      for (const prompt of prompts) {
        const clip = await make(bench, 'text-to-video', {
          ...settings,
          'prompt.prompt': prompt.caption,
          'noise.seed': String(prompt.seed),
          'latent.frames': prompt.scene.frameCount,
        });
        clips.push(clip);
        judged.push(judge(prompt, clip));
        if (judged.length % 50 === 0) console.error(`${judged.length} of ${prompts.length} prompts`);
      }
      if (out !== undefined) writeClips(out, clips, judged);
    }
    printTable(lines, judged, variant, report);
    if (does('time')) {
      await measureAutoencoder(bench, report);
      await measureTime(bench, report, settings, variant);
    }
    if (does('tasks')) await measureTasks(bench, report, { count: count ?? 30, settings });
  } finally {
    await bench.close();
  }
};
export default toybox;

function printTable(
  lines: readonly Line[] | undefined,
  judged: readonly Judged[] | undefined,
  variant: string,
  report: Parameters<BenchSection>[0],
): void {
  if (lines === undefined && judged === undefined) return;
  console.log(
    '| score | prompts | true renders | mutants rejected | floor: frozen | floor: another prompt | model | wanted |',
  );
  console.log('|---|--:|--:|--:|--:|--:|--:|--:|');
  for (const [i, score] of scores.entries()) {
    const line = lines?.[i];
    const share = judged === undefined ? { count: 0, total: 0 } : shareRight(score, judged);
    const want = variant === 'base' ? score.wanted.base : variant === 'fast' ? score.wanted.fast : undefined;
    const none = { count: 0, total: 0 };
    const cells = [line?.truth, line?.mutants, line?.frozen, line?.random].map((cell) =>
      formatShare(cell ?? none),
    );
    const wanted = want === undefined ? '' : `≥ ${100 * want} %`;
    const total = line?.truth.total ?? share.total;
    console.log(
      `| ${score.name} | ${total} | ${cells.join(' | ')} | **${formatShare(share)}** | ${wanted} |`,
    );
  }
  for (const { score, truth, mutants } of lines ?? []) {
    if (truth.total > 0)
      report({
        name: `${score.name}: true renders`,
        value: formatShare(truth),
        wanted: '≥ 99 %',
        met: truth.count >= 0.99 * truth.total,
      });
    if (mutants.total > 0)
      report({
        name: `${score.name}: mutants rejected`,
        value: formatShare(mutants),
        wanted: '≥ 95 %',
        met: mutants.count >= 0.95 * mutants.total,
      });
  }
  for (const score of judged === undefined ? [] : scores) {
    const share = shareRight(score, judged ?? []);
    const want = variant === 'base' ? score.wanted.base : variant === 'fast' ? score.wanted.fast : undefined;
    if (share.total === 0) continue;
    report({
      name: `${score.name}: ${variant} model`,
      value: formatShare(share),
      ...(want === undefined ? {} : { wanted: `≥ ${100 * want} %`, met: share.count >= want * share.total }),
    });
  }
}

function writeClips(folder: string, clips: readonly Clip[], judged: readonly Judged[]): void {
  mkdirSync(folder, { recursive: true });
  // Clips of one frame count go together; those behind walls are longer.
  const [{ frameCount, width, height }] =
    clips.length > 0 ? [clips[0]!] : [{ frameCount: 0, width: 0, height: 0 }];
  const kept = clips.map((_, i) => i).filter((i) => clips[i]!.frameCount === frameCount);
  writeFileSync(join(folder, 'clips.u8'), Buffer.concat(kept.map((i) => clips[i]!.frames)));
  const captions = kept.map((i) => judged[i]!.prompt.caption);
  writeFileSync(join(folder, 'clips.json'), JSON.stringify({ width, height, frameCount, captions }));
}

/** Clips whose way through the autoencoder and back is measured. */
const roundTrips = 40;

async function measureAutoencoder(
  bench: CapturingEngine,
  report: Parameters<BenchSection>[0],
): Promise<void> {
  const signal = AbortSignal.timeout(600_000);
  const model = await bench.models.resolve('toybox', signal);
  const all = heldOutPrompts().filter(({ scene }) => scene.frameCount === 17);
  let squared = 0;
  for (let i = 0; i < roundTrips; i++) {
    const truth = renderScene(all[Math.floor((i * all.length) / roundTrips)]!.scene);
    const latent = await bench.models.encodeFrames(model, framesOf(truth).pixels, signal);
    const back = clipOf({ pixels: await bench.models.decodeLatent(model, latent, signal), fps: 8 });
    for (let f = 0; f < truth.frameCount; f++)
      squared += 10 ** (-framePsnr(back, f, cut(truth, f, f + 1).frames) / 10);
  }
  const psnr = -10 * Math.log10(squared / (roundTrips * 17));
  report({
    name: `autoencoder: PSNR of ${roundTrips} true renders encoded and decoded`,
    value: `${psnr.toFixed(1)} dB`,
    wanted: '≥ 30 dB',
    met: psnr >= 30,
  });
}

const timings = 5;

async function measureTime(
  { engine }: CapturingEngine,
  report: Parameters<BenchSection>[0],
  settings: Readonly<Record<string, string | number>>,
  variant: string,
): Promise<void> {
  const times: number[] = [];
  // The first run opens sessions; it is not counted.
  for (let i = 0; i <= timings; i++) {
    const workflow = textToVideo({
      ...settings,
      'prompt.prompt': 'a small red circle moves right on a navy background',
      'noise.seed': String(7000 + i),
    });
    const began = performance.now();
    const { status } = await engine.run({ runId: `time-${i}`, workflow, onEvent: () => {} });
    if (status !== 'succeeded') throw new Error(`text-to-video ended as ${status}`);
    if (i > 0) times.push(performance.now() - began);
    engine.dropMemory();
  }
  const playMs = (1000 * 17) / 8;
  const share = median(times) / playMs;
  report({
    name: `prompt to mp4, ${variant} model, 17 frames of 64×64, median of ${timings}, ÷ its play time at 8 frames a second`,
    value: `${(median(times) / 1000).toFixed(2)} s, ${share.toFixed(2)}`,
    ...(variant === 'fast' ? { wanted: '< 1', met: share < 1 } : {}),
  });
}
