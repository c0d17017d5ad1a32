/** What the model makes of the tasks that are given frames: measured beside the true renders of the same scenes. */
import {
  type Clip,
  captionOf,
  colourNames,
  compareWithCaption,
  firstEvaluationSeed,
  framePsnr,
  isSameCast,
  loopRatio,
  motions,
  randomScene,
  readClip,
  renderScene,
  type Scene,
  seamRatio,
} from '@reelgraph/toybox';
import type { CapturingEngine } from './capture.ts';
import { type BenchSection, median } from './section.ts';
import { clipOf, cut, framesOf, make } from './toybox-clips.ts';

/** Scenes of each task; seeds well apart from those of the prompts. */
const taskSeed = firstEvaluationSeed + 2_000_000;
const mostSeam = 1.2;

/** Motions that go on as they are, so that frames before or after are known. */
const steady = motions.filter((motion) => !/leaves|grows|shrinks|bounces/.test(motion));

function scenesOf(count: number, frameCount: number, names: readonly (typeof motions)[number][]): Scene[] {
  const scenes: Scene[] = [];
  for (let seed = taskSeed; scenes.length < count; seed++) {
    const scene = randomScene(seed, { kind: 'single', frameCount, isStyled: false });
    const motion = scene.objects[0]?.motion;
    if (names.some((name) => name === motion)) scenes.push(scene);
  }
  return scenes;
}

const percent = (count: number, total: number) => `${((100 * count) / total).toFixed(1)} % of ${total}`;
const ratio = (value: number) => value.toFixed(2);

/** Measures the tasks. */
export async function measureTasks(
  bench: CapturingEngine,
  report: Parameters<BenchSection>[0],
  { count, settings }: { count: number; settings: Readonly<Record<string, string | number>> },
): Promise<void> {
  await imageToVideo(bench, report, count, settings);
  await extensions(bench, report, count, settings);
  await loops(bench, report, count, settings);
  await changes(bench, report, count, settings);
}

type Part = (
  bench: CapturingEngine,
  report: Parameters<BenchSection>[0],
  count: number,
  settings: Readonly<Record<string, string | number>>,
) => Promise<void>;

const imageToVideo: Part = async (bench, report, count, settings) => {
  const signal = AbortSignal.timeout(600_000);
  const model = await bench.models.resolve('toybox', signal);
  const losses: number[] = [];
  let moved = 0;
  const scenes = scenesOf(count, 17, motions);
  for (const [i, scene] of scenes.entries()) {
    const truth = renderScene(scene);
    const picture = cut(truth, 0, 1);
    const latent = await bench.models.encodeFrames(model, framesOf(picture).pixels, signal);
    const back = clipOf({ pixels: await bench.models.decodeLatent(model, latent, signal), fps: 8 });
    const clip = await make(
      bench,
      'image-to-video',
      { ...settings, 'prompt.prompt': captionOf(scene), 'noise.seed': String(i) },
      { image: picture },
    );
    losses.push(framePsnr(clip, 0, picture.frames) - framePsnr(back, 0, picture.frames));
    if (compareWithCaption(readClip(clip), captionOf(scene)).motion === true) moved++;
  }
  const loss = median(losses);
  report({
    name: 'image to video: PSNR of the first frame, less that of its round trip through the autoencoder, median',
    value: `${loss.toFixed(2)} dB`,
    wanted: '≥ -0.5 dB',
    met: loss >= -0.5,
  });
  report({
    name: 'image to video: motion as asked',
    value: percent(moved, scenes.length),
    wanted: '≥ 90 %',
    met: moved >= 0.9 * scenes.length,
  });
};

const given = 17;
const made = 8;

const extensions: Part = async (bench, report, count, settings) => {
  for (const direction of ['forward', 'backward'] as const) {
    const scenes = scenesOf(count, given + made, steady);
    const seams: number[] = [];
    const trueSeams: number[] = [];
    let kept = 0;
    const at = direction === 'forward' ? given : made;
    for (const [i, scene] of scenes.entries()) {
      const truth = renderScene(scene);
      const known = direction === 'forward' ? cut(truth, 0, given) : cut(truth, made, given + made);
      const params = { ...settings, 'prompt.prompt': captionOf(scene), 'noise.seed': String(i) };
      const clip = await make(bench, `extend-${direction}`, params, { video: known });
      seams.push(seamRatio(clip, at));
      trueSeams.push(seamRatio(truth, at));
      const [first, second]: [Clip, Clip] = [cut(clip, 0, at), cut(clip, at, clip.frameCount)];
      if (isSameCast(readClip(first), readClip(second))) kept++;
    }
    const seam = median(seams);
    report({
      name: `extend ${direction}: change at the seam ÷ median frame change, median (true renders ${ratio(median(trueSeams))})`,
      value: ratio(seam),
      wanted: `≤ ${mostSeam}`,
      met: seam <= mostSeam,
    });
    report({
      name: `extend ${direction}: shape, colour and size kept`,
      value: percent(kept, scenes.length),
      wanted: '≥ 95 %',
      met: kept >= 0.95 * scenes.length,
    });
  }
};

const loops: Part = async (bench, report, count, settings) => {
  const ratios: number[] = [];
  const open: number[] = [];
  const scenes = scenesOf(count, 17, ['orbits', 'swings', 'spins', 'bounces']);
  for (const [i, scene] of scenes.entries()) {
    const params = { ...settings, 'prompt.prompt': captionOf(scene), 'noise.seed': String(i) };
    ratios.push(
      loopRatio(await make(bench, 'loop-text', { ...params, 'bridgeNoise.seed': String(i + 1000) })),
    );
    open.push(loopRatio(await make(bench, 'text-to-video', params)));
  }
  const closed = median(ratios);
  report({
    name: `loop: change from the last frame to the first ÷ median frame change, median (the same clips not looped ${ratio(median(open))})`,
    value: ratio(closed),
    wanted: `≤ ${mostSeam}`,
    met: closed <= mostSeam,
  });
};

/** The same scene with its shape in another colour. */
function recoloured(scene: Scene, by: number): Scene {
  const objects = scene.objects.map((body) => ({
    ...body,
    colour: colourNames[(colourNames.indexOf(body.colour) + 1 + (by % 7)) % 8] ?? body.colour,
  }));
  return { ...scene, objects };
}

const changes: Part = async (bench, report, count, settings) => {
  const scenes = scenesOf(count, 17, ['moves right', 'moves left', 'stays still', 'moves up', 'moves down']);
  const right = { 'video-to-video': 0, inpaint: 0 };
  for (const [i, scene] of scenes.entries()) {
    const caption = captionOf(recoloured(scene, i));
    const params = { ...settings, 'prompt.prompt': caption, 'noise.seed': String(i) };
    const truth = renderScene(scene);
    const whole = { 'box.left': 0, 'box.top': 0, 'box.width': 100, 'box.height': 100 };
    for (const name of ['video-to-video', 'inpaint'] as const) {
      const clip = await make(bench, name, name === 'inpaint' ? { ...params, ...whole } : params, {
        video: truth,
      });
      const agreement = compareWithCaption(readClip(clip), caption);
      if (agreement.colour === true && agreement.shape === true && agreement.motion === true) right[name]++;
    }
  }
  report({
    name: 'video to video: another colour as asked, shape and motion kept',
    value: percent(right['video-to-video'], scenes.length),
  });
  report({
    name: 'inpainting: another colour as asked, shape and motion kept',
    value: percent(right.inpaint, scenes.length),
  });
};
