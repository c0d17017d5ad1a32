/**
 * The interactive world, measured: whether the model obeys on boards and walks that training never saw, beside true
 * renders, spoilt ones and clips that show nothing; and how long a frame takes, in this process and, when a server is
 * named, over its socket.
 *
 *     node packages/toybox/bench/tiles.ts [--plays 24] [--steps 32,128,500] [--size 8x8] [--server http://127.0.0.1:7860]
 */

import { parseArgs } from 'node:util';
import { createModelService } from '@reelgraph/inference';
import { encodeClientMessage, parseServerMessage, protocolVersion } from '@reelgraph/protocol';
import { fromFunction, type Tensor } from '@reelgraph/tensor';
import {
  actionCases,
  type Clip,
  type HeldOutPlay,
  heldOutPlays,
  modelFolder,
  type PlayScores,
  playSpoilings,
  randomActions,
  renderBoard,
  renderPlay,
  scorePlay,
  spoilPlay,
  sumScores,
  type Tally,
} from '../src/index.ts';

const { values } = parseArgs({
  options: {
    plays: { type: 'string', default: '24' },
    steps: { type: 'string', default: '32,128,500' },
    size: { type: 'string', default: '8x8' },
    server: { type: 'string' },
  },
});
const [columns = 8, rows = 8] = values.size.split('x').map(Number);
const signal = new AbortController().signal;
const models = await createModelService({ roots: [modelFolder] });
const model = await models.resolve('toybox', signal);

function toTensor(bytes: Uint8Array, width: number, height: number): Tensor<'float32'> {
  const plane = width * height;
  return fromFunction(
    [1, 3, 1, height, width],
    (i) => bytes[(i % plane) * 3 + Math.floor(i / plane)]! / 127.5 - 1,
  );
}

/** Milliseconds from asking for a frame to having it. */
const stepMs: number[] = [];

/** The model's clip of a play: it is shown the first frame and then only the actions. */
async function playModel({ start, actions }: HeldOutPlay): Promise<Clip> {
  const width = start.columns * 8;
  const height = start.rows * 8;
  const plane = width * height;
  const frames = new Uint8Array((actions.length + 1) * plane * 3);
  const put = ({ data }: Tensor<'float32'>, f: number) => {
    for (let i = 0; i < plane * 3; i++)
      frames[(f * plane + (i % plane)) * 3 + Math.floor(i / plane)] = Math.round((data[i]! + 1) * 127.5);
  };
  let frame = await models.openWorld(model, toTensor(renderBoard(start), width, height), signal);
  put(frame.pixels, 0);
  for (const [i, action] of actions.entries()) {
    const before = performance.now();
    frame = await models.stepWorld(model, frame.state, action, signal);
    stepMs.push(performance.now() - before);
    put(frame.pixels, i + 1);
  }
  return { frames, frameCount: actions.length + 1, width, height };
}

function frozen({ start, actions }: HeldOutPlay): Clip {
  const still = renderPlay(start, []);
  const frames = new Uint8Array(still.frames.length * (actions.length + 1));
  for (let f = 0; f <= actions.length; f++) frames.set(still.frames, f * still.frames.length);
  return { ...still, frames, frameCount: actions.length + 1 };
}

/** A clip that is right in itself, of other actions. */
function unheeding({ seed, start, actions }: HeldOutPlay): Clip {
  return renderPlay(start, randomActions(seed + 500_000, actions.length));
}

const percent = ({ right, of }: Tally) => (of === 0 ? '–' : `${((100 * right) / of).toFixed(1)} %`);

const rowsOfTable: readonly (readonly [string, (scores: PlayScores) => Tally])[] = [
  ['actions obeyed', (scores) => scores.obeyed],
  ...actionCases.map((name) => [`  ${name}`, (scores: PlayScores) => scores.byCase[name]] as const),
  ['agent in step with the rules', (scores) => scores.agent],
  ['whole frame as the rules have it', (scores) => scores.frames],
  ['changes kept', (scores) => scores.kept],
  ['changes there on return', (scores) => scores.returned],
  ['clips right in every frame', (scores) => scores.clips],
];

for (const steps of values.steps.split(',').map(Number)) {
  const plays = heldOutPlays(Number(values.plays), steps, { rows, columns });
  const scoreAll = async (make: (play: HeldOutPlay) => Clip | Promise<Clip>) => {
    const scores = [];
    for (const play of plays) scores.push(scorePlay({ ...play, clip: await make(play) }));
    return sumScores(scores);
  };
  const columnsOfTable = [
    ['true', await scoreAll(({ start, actions }) => renderPlay(start, actions))],
    ['frozen', await scoreAll(frozen)],
    ['other actions', await scoreAll(unheeding)],
    ['model', await scoreAll(playModel)],
  ] as const;
  console.log(`\n${plays.length} held-out boards of ${columns} × ${rows} tiles, ${steps} actions each:`);
  console.log(`${''.padEnd(34)}${columnsOfTable.map(([name]) => name.padStart(15)).join('')}`);
  for (const [name, of] of rowsOfTable) {
    const cells = columnsOfTable.map(([, scores]) => percent(of(scores)).padStart(15));
    console.log(`${name.padEnd(34)}${cells.join('')}`);
  }
  const rejected = playSpoilings.map((spoiling) => {
    const clips = plays.flatMap(({ start, actions, seed }) => {
      const clip = spoilPlay(spoiling, start, actions, seed);
      return clip === undefined ? [] : [scorePlay({ start, actions, clip })];
    });
    return [spoiling, { right: clips.filter(({ isRight }) => !isRight).length, of: clips.length }] as const;
  });
  console.log(`mutants rejected: ${rejected.map(([name, tally]) => `${name} ${percent(tally)}`).join(', ')}`);
}

function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

function report(what: string, samples: readonly number[]): void {
  const p = (q: number) => `p${100 * q} ${quantile(samples, q).toFixed(1)} ms`;
  console.log(`${what}: ${p(0.5)}, ${p(0.95)}, ${p(0.99)} (${samples.length} frames)`);
}

console.log('');
report('action to frame, in the process', stepMs.slice(10));
await models.dispose();

if (values.server !== undefined)
  report('action to frame, over the socket', await latenciesOverSocket(values.server, 400));

/** As the editor plays: an action is sent when the frame before is there. */
async function latenciesOverSocket(baseUrl: string, count: number): Promise<number[]> {
  const url = `${baseUrl.replace(/^http/, 'ws')}/api/v1/events`;
  const socket: WebSocket = Reflect.construct(WebSocket, [url, { headers: { origin: baseUrl } }]);
  const say = (message: Parameters<typeof encodeClientMessage>[0]) =>
    socket.send(encodeClientMessage(message));
  const actions = randomActions(1, count);
  const taken: number[] = [];
  let sentAtMs = 0;
  await new Promise<void>((done, failed) => {
    const next = () => {
      const action = actions[taken.length];
      if (action === undefined) return done();
      sentAtMs = performance.now();
      say({ type: 'live.act', liveId: 'a', action });
    };
    socket.addEventListener('error', () => failed(new Error('the socket failed')));
    socket.addEventListener('open', () => say({ type: 'hello', protocol: protocolVersion }));
    socket.addEventListener('message', ({ data }) => {
      const message = parseServerMessage(String(data));
      if (message.type === 'welcome')
        say({ type: 'live.open', liveId: 'a', nodeType: 'interactive-world', params: { columns, rows } });
      if (message.type === 'live.ended') failed(new Error(message.message));
      if (message.type === 'live.frame') taken.push(performance.now() - sentAtMs);
      if (message.type === 'live.opened' || message.type === 'live.frame') next();
    });
  });
  socket.close();
  return taken;
}
