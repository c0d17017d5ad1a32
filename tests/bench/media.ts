/**
 * A long video through the real command line: load → resize → mux. What it takes in memory, with every program it
 * starts, and its time over ffmpeg alone doing the same. `--count N` takes N seconds of video instead of three minutes.
 * And what decoding a long, large latent takes in pieces and as a whole, and making a video of it while it is decoded and
 * afterwards. `--only video`, `--only decode` or `--only mux` for one of them.
 */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { findFfmpeg } from '@reelgraph/media';
import { z } from 'zod';
import { watchTree } from '../support/process-tree.ts';
import { projectRoot, temporaryFolder } from '../support/server.ts';
import { type BenchSection, median } from './section.ts';

const fps = 24;
const from = { width: 1280, height: 720 };
/** Sides in multiples of 16, as models want them. */
const to = { width: 1280, height: 704 };
const wantedBytes = 1e9;

const workflow = {
  reelgraph: 1,
  name: 'Long video',
  inputs: { video: { node: 'video', param: 'file', label: 'Video' } },
  outputs: { video: { node: 'mux', port: 'video', label: 'Video' } },
  nodes: {
    mux: { type: 'video-mux', version: 1, params: { fps, quality: 70 } },
    resize: { type: 'resize-frames', version: 1, params: { ...to, fit: 'cover' } },
    save: { type: 'save-video', version: 1, params: { name: 'long' } },
    video: { type: 'load-video', version: 1, params: {} },
  },
  edges: [
    { from: ['resize', 'frames'], to: ['mux', 'frames'] },
    { from: ['video', 'frames'], to: ['resize', 'frames'] },
    { from: ['mux', 'video'], to: ['save', 'video'] },
  ],
};

async function timed(program: string, args: readonly string[]) {
  const began = performance.now();
  const child = spawn(program, [...args], { cwd: projectRoot, stdio: ['ignore', 'pipe', 'pipe'] });
  const watched = watchTree(child.pid ?? 0);
  let output = '';
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    output += text.toString();
  });
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const peak = watched.stop();
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}: ${output.slice(-2000)}`);
  return { seconds: (performance.now() - began) / 1000, peak, output };
}

const megabytes = (bytes: number) => `${Math.round(bytes / 1e6)} MB`;

const media: BenchSection = async (report, options) => {
  const isWanted = (piece: string) => options.only === undefined || options.only === piece;
  if (isWanted('video')) await longVideo(report, options);
  if (isWanted('decode')) await decoding(report, options);
  if (isWanted('mux')) await decodeAndMux(report, options);
};

const onceSchema = z.object({
  runMs: z.number(),
  decodeMs: z.number(),
  muxMs: z.number(),
  digest: z.string(),
});

/** The latent of `decoding` to a video; the two ways in turn, so that both meet the same machine. */
const decodeAndMux: BenchSection = async (report) => {
  if (process.platform !== 'linux') return;
  const script = join(import.meta.dirname, 'decode-mux-once.ts');
  const once = async (how: string) => {
    const { output, peak } = await timed(process.execPath, [script, how, '17', '64', '64']);
    return { ...onceSchema.parse(JSON.parse(output)), bytes: peak.bytes };
  };
  const overlapped: Awaited<ReturnType<typeof once>>[] = [];
  const sequential: typeof overlapped = [];
  for (let round = 0; round < 3; round++) {
    overlapped.push(await once('overlapped'));
    sequential.push(await once('sequential'));
  }
  // The least disturbed of each: the rest is what else the machine had to do.
  const best = (runs: typeof overlapped) => runs.toSorted((a, b) => a.runMs - b.runMs)[0];
  const [beside, after] = [best(overlapped), best(sequential)];
  if (beside === undefined || after === undefined) return;
  const seconds = ({ runMs, decodeMs, muxMs }: typeof beside) =>
    `${(runMs / 1000).toFixed(1)} s: decode ${(decodeMs / 1000).toFixed(1)}, video ${(muxMs / 1000).toFixed(1)}`;
  const load = (loadavg()[0] ?? 0).toFixed(1);
  report({
    name: `65 frames of 512×512, decoded and made a video: time with the encoder beside decode over one after the other (${seconds(beside)} over ${seconds(after)}; load ${load} on ${availableParallelism()} cores)`,
    value: (beside.runMs / after.runMs).toFixed(2),
    wanted: '< 1',
    met: beside.runMs < after.runMs,
  });
  const bytesOf = (runs: typeof overlapped) => median(runs.map(({ bytes }) => bytes));
  report({
    name: `the same, most resident memory of the process and its encoder (${megabytes(bytesOf(overlapped))} over ${megabytes(bytesOf(sequential))})`,
    value: (bytesOf(overlapped) / bytesOf(sequential)).toFixed(2),
  });
  const digests = new Set([...overlapped, ...sequential].map(({ digest }) => digest));
  report({
    name: 'the same, videos of other bytes',
    value: String(digests.size - 1),
    wanted: '0',
    met: digests.size === 1,
  });
};

/** 65 frames of 512×512: [17, 64, 64] in the latent. */
const decoding: BenchSection = async (report) => {
  if (process.platform !== 'linux') return;
  const once = async (how: string) => {
    const script = join(import.meta.dirname, 'decode-once.ts');
    const { output, seconds } = await timed(process.execPath, [script, how, '17', '64', '64']);
    return { ...z.object({ bytes: z.number() }).parse(JSON.parse(output)), seconds };
  };
  const whole = await once('whole');
  const chunks = await once('chunks');
  report({
    name: `decoding 65 frames of 512×512: most memory taken by chunk over that as a whole (${megabytes(chunks.bytes)} over ${megabytes(whole.bytes)})`,
    value: (chunks.bytes / whole.bytes).toFixed(2),
    wanted: '< 0.7',
    met: chunks.bytes < 0.7 * whole.bytes,
  });
  report({
    name: 'the same, time by chunk over that as a whole',
    value: (chunks.seconds / whole.seconds).toFixed(2),
  });
};

const longVideo: BenchSection = async (report, { count = 180 }) => {
  if (process.platform !== 'linux') {
    report({ name: 'a long video', value: 'not measured: memory is read from /proc' });
    return;
  }
  const scratch = await temporaryFolder();
  try {
    const ffmpeg = findFfmpeg();
    const [source, document] = [join(scratch.path, 'source.mp4'), join(scratch.path, 'long.json')];
    const picture = `testsrc2=size=${from.width}x${from.height}:rate=${fps}:duration=${count}`;
    await timed(ffmpeg, [
      ...[
        '-v',
        'error',
        '-f',
        'lavfi',
        '-i',
        picture,
        '-c:v',
        'libx264',
        '-preset',
        'veryfast',
        '-crf',
        '30',
      ],
      ...['-pix_fmt', 'yuv420p', source],
    ]);
    await writeFile(document, JSON.stringify(workflow));
    const bare = await timed(ffmpeg, [
      ...['-v', 'error', '-y', '-i', source, '-vf', `scale=-1:${from.height},crop=${to.width}:${to.height}`],
      // As muxVideo encodes at this quality.
      ...['-c:v', 'libx264', '-preset', 'medium', '-crf', '20', '-pix_fmt', 'yuv420p', '-threads', '4'],
      join(scratch.path, 'bare.mp4'),
    ]);
    const ours = await timed(process.execPath, [
      ...[join(projectRoot, 'packages/cli/bin/reelgraph.mjs'), 'run', document, '--set', `video=${source}`],
      ...['--data', join(scratch.path, 'data'), '--out', join(scratch.path, 'long.mp4')],
    ]);
    const parts = [...ours.peak.of].map(([name, bytes]) => `${name} ${megabytes(bytes)}`).join(' + ');
    report({
      name: `load → resize → mux of ${count * fps} frames of ${from.width}×${from.height}: most resident memory of the command line and all it starts (${parts})`,
      value: megabytes(ours.peak.bytes),
      wanted: `< ${megabytes(wantedBytes)}`,
      met: ours.peak.bytes < wantedBytes,
    });
    report({
      name: `the same, time over ffmpeg alone (${ours.seconds.toFixed(0)} s over ${bare.seconds.toFixed(0)} s; its memory ${megabytes(bare.peak.bytes)})`,
      value: (ours.seconds / bare.seconds).toFixed(2),
    });
  } finally {
    await scratch.dispose();
  }
};
export default media;
