/**
 * How well runs are foretold: a fresh data folder, five runs, then fifty settings that were never run. Each is forecast
 * right before it runs, by costs learnt from the five runs alone: what later ones teach is taken away for it, and only
 * what the process holds and has open by then is known. `--only server`: in the server, whose runner stays; `--only terminal`: by
 * the command line, a fresh process for every run. A busy machine takes another time for the same work, so some
 * settings are run twice, and the difference is printed beside the errors. `--count` sets another number than fifty.
 */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@reelgraph/client';
import {
  type Expected,
  type RunEvent,
  type RunForecast,
  runEventSchema,
  runForecastSchema,
  stringifyWorkflow,
  type Workflow,
} from '@reelgraph/graph';
import { z } from 'zod';
import { runCli } from '../support/cli.ts';
import { createRandom, type Random } from '../support/random.ts';
import { runToEnd } from '../support/runs.ts';
import { projectRoot, startServer, temporaryFolder } from '../support/server.ts';
import { type BenchOptions, type BenchSection, median } from './section.ts';
import { shippedWorkflow } from './workflow.ts';

interface Setting {
  readonly workflow: Workflow;
  readonly about: string;
}

/** What a run really took. */
interface Taken {
  readonly timeMs: number;
  readonly peakBytes: number;
  /** By node, milliseconds. */
  readonly nodes: Readonly<Record<string, number>>;
}

/** A way to run and to forecast. */
interface Bench {
  /** Every run has a process of its own. */
  readonly isFresh: boolean;
  /** Where what was learnt is kept. */
  readonly noteFile: string;
  run(setting: Setting): Promise<Taken>;
  forecast(setting: Setting): Promise<RunForecast>;
  close(): Promise<void>;
}

const repeats = 8;
const seed = 20261122;

/** Five runs of somebody who tries things out. */
function learningRuns(): Setting[] {
  const of = (name: string, about: string, params: Parameters<typeof shippedWorkflow>[1]): Setting => ({
    workflow: shippedWorkflow(name, params),
    about: `${name} ${about}`,
  });
  return [
    of('text-to-video', 'as it is', {}),
    of('image-to-video', '17f 96×96, 12 steps, guidance 1', {
      'latent.width': 96,
      'latent.height': 96,
      'scheduler.steps': 12,
      'denoise.guidanceScale': 1,
    }),
    of('loop-text', 'as it is', {}),
    of('video-to-video', 'as it is', {}),
    of('text-to-video', '33f 128×128 fast', {
      'latent.frames': 33,
      'latent.width': 128,
      'latent.height': 128,
      'model.variant': 'fast',
    }),
  ];
}

const colours = ['red', 'green', 'blue', 'yellow', 'purple', 'orange', 'white', 'cyan'];
const shapes = ['circle', 'square', 'triangle', 'star', 'ring'];
const motions = ['moves right', 'moves left', 'moves up', 'moves down', 'spins', 'bounces'];

/** A setting that was most likely never tried: workflow, size, length, steps, guidance, sampler and variant by chance. */
function unseenSetting(random: Random, number: number): Setting {
  const name = random.pick([
    'text-to-video',
    'text-to-video',
    'image-to-video',
    'loop-text',
    'video-to-video',
  ]);
  const frames = random.pick([9, 13, 17, 21, 25, 33]);
  const width = random.pick([48, 64, 80, 96, 112, 128]);
  const height = random.pick([48, 64, 80, 96, 112, 128]);
  const variant = random.pick(['base', 'base', 'base', 'fast']);
  const steps = variant === 'fast' ? random.pick([2, 4, 6, 8]) : 6 + random.below(27);
  const guidance = variant === 'fast' ? 1 : random.pick([1, 2, 3, 4.5]);
  const sampler = random.pick(['auto', 'euler', 'heun', 'stochastic']);
  const sized = name !== 'video-to-video';
  const workflow = shippedWorkflow(name, {
    'prompt.prompt': `a large ${random.pick(colours)} ${random.pick(shapes)} ${random.pick(motions)} on a black background`,
    'noise.seed': String(1000 + number),
    'model.variant': variant,
    'scheduler.steps': steps,
    'denoise.guidanceScale': guidance,
    'denoise.sampler': sampler,
    ...(sized ? { 'latent.frames': frames, 'latent.width': width, 'latent.height': height } : {}),
    ...(name === 'video-to-video' ? { 'scheduler.strength': random.pick([0.4, 0.6, 0.8, 1]) } : {}),
  });
  const size = sized ? `${frames}f ${width}×${height}, ` : '';
  return { workflow, about: `${name} ${size}${steps} steps, guidance ${guidance}, ${sampler}, ${variant}` };
}

/** The same again for the cache to know nothing of it. */
function again({ workflow, about }: Setting): Setting {
  const nodes = structuredClone(workflow.nodes);
  const { noise, prompt } = nodes;
  if (noise === undefined || prompt === undefined) throw new Error(`no noise or prompt in ${about}`);
  noise.params.seed = String(1_000_000 + Number(noise.params.seed));
  prompt.params.prompt = `${prompt.params.prompt}, again`;
  return { workflow: { ...workflow, nodes }, about };
}

function takenBy(events: readonly RunEvent[], about: string): Taken {
  let peakBytes = 0;
  const nodes: Record<string, number> = {};
  for (const event of events) {
    if (event.type !== 'node.finished') continue;
    peakBytes = Math.max(peakBytes, event.peakResidentBytes ?? 0);
    nodes[event.nodeId] = event.durationMs;
  }
  const end = events.at(-1);
  if (end?.type !== 'run.finished' || end.status !== 'succeeded')
    throw new Error(`${about} did not succeed: ${JSON.stringify(end)}`);
  return { timeMs: end.durationMs, peakBytes, nodes };
}

async function serverBench(dataFolder: string): Promise<Bench> {
  const server = await startServer({ dataFolder });
  const client = createClient({ baseUrl: server.baseUrl });
  return {
    isFresh: false,
    noteFile: noteFileIn(dataFolder),
    async run({ workflow, about }) {
      return takenBy((await runToEnd(client, workflow, { timeoutMs: 600_000 })).events, about);
    },
    async forecast({ workflow, about }) {
      const { forecast, issues } = await client.estimate(workflow);
      if (forecast === undefined) throw new Error(`${about}: ${JSON.stringify(issues)}`);
      return forecast;
    },
    close: () => server.stop(),
  };
}

async function terminalBench(dataFolder: string, scratch: string): Promise<Bench> {
  const call = async (args: readonly string[], { workflow, about }: Setting): Promise<string> => {
    // Beside the shipped ones, where the files that they name are found.
    const file = join(scratch, 'setting.json');
    await writeFile(file, stringifyWorkflow(workflow));
    const { code, stdout, stderr } = await runCli([...args, file, '--data', dataFolder, '--json']);
    if (code !== 0) throw new Error(`${about} ended with ${code}: ${stderr}`);
    return stdout;
  };
  return {
    isFresh: true,
    noteFile: noteFileIn(dataFolder),
    async run(setting) {
      const lines = (await call(['run', '--out', join(scratch, 'clip.mp4')], setting)).trim().split('\n');
      const events = lines.flatMap((line) => {
        const parsed = runEventSchema.safeParse(JSON.parse(line));
        return parsed.success ? [parsed.data] : [];
      });
      return takenBy(events, setting.about);
    },
    async forecast(setting) {
      return runForecastSchema.parse(JSON.parse(await call(['estimate'], setting)));
    },
    close: async () => undefined,
  };
}

function noteFileIn(dataFolder: string): string {
  return join(dataFolder, 'artifacts', 'cache', 'costs.note');
}

const noteSchema = z.looseObject({
  kinds: z.unknown(),
  processes: z.array(z.looseObject({ heldBytes: z.number() })),
});
type Note = z.infer<typeof noteSchema>;

interface Outcome {
  /** What the process that ran last held before; a fresh one holds nothing. */
  readonly heldBytes: number;
  readonly about: string;
  readonly forecast: RunForecast;
  readonly taken: Taken;
}

async function measure(
  name: string,
  bench: Bench,
  report: Parameters<BenchSection>[0],
  { count = 50, out }: BenchOptions,
): Promise<void> {
  const random = createRandom(seed);
  for (const setting of learningRuns()) await bench.run(setting);
  const settings = Array.from({ length: count }, (_, number) => unseenSetting(random, number));
  const readNote = async (): Promise<Note> =>
    noteSchema.parse(JSON.parse(await readFile(bench.noteFile, 'utf8')));
  const writeNote = (note: Note): Promise<void> => writeFile(bench.noteFile, JSON.stringify(note));
  const { kinds: ofFiveRuns } = await readNote();
  const outcomes: Outcome[] = [];
  const later: Outcome[] = [];
  for (const { workflow, about } of settings) {
    const learnt = await bench.forecast({ workflow, about });
    const note = await readNote();
    await writeNote({ ...note, kinds: ofFiveRuns });
    const forecast = await bench.forecast({ workflow, about });
    await writeNote(note);
    const taken = await bench.run({ workflow, about });
    const heldBytes = bench.isFresh ? 0 : (note.processes.at(-1)?.heldBytes ?? 0);
    outcomes.push({ about, forecast, taken, heldBytes });
    later.push({ about, forecast: learnt, taken, heldBytes });
  }
  const differences: number[] = [];
  for (let index = 0; index < Math.min(repeats, count); index += 1) {
    const [setting, first] = [settings[index], outcomes[index]];
    if (setting === undefined || first === undefined) break;
    const second = await bench.run(again(setting));
    differences.push(Math.abs(second.timeMs / first.taken.timeMs - 1));
  }
  if (out !== undefined)
    await writeFile(join(out, `estimate-${name}.json`), JSON.stringify(outcomes.map(lineOf), null, 1));
  const timeErrors = errorsOf(
    outcomes,
    (forecast) => forecast.timeMs,
    ({ timeMs }) => timeMs,
  );
  const peakErrors = errorsOf(
    outcomes,
    (forecast) => forecast.peakBytes,
    ({ peakBytes }) => peakBytes,
  );
  report({
    name: `${name}: equal settings run twice, median difference in time (${differences.length} pairs; what no forecast can foretell)`,
    value: percent(median(differences)),
  });
  report(
    figure(
      `${name}: time, median error after 5 runs (p90 ${percent(quantile(timeErrors, 0.9))})`,
      timeErrors,
      0.2,
    ),
  );
  report(
    figure(
      `${name}: peak memory, median error after 5 runs (p90 ${percent(quantile(peakErrors, 0.9))})`,
      peakErrors,
      0.15,
    ),
  );
  const grew = outcomes.filter(({ taken, heldBytes }) => taken.peakBytes > 1.03 * heldBytes);
  const grewErrors = errorsOf(
    grew,
    (forecast) => forecast.peakBytes,
    ({ peakBytes }) => peakBytes,
  );
  report({
    name: `${name}: peak memory, median error of the ${grew.length} runs that made the process larger than it was`,
    value: percent(median(grewErrors)),
  });
  const laterErrors = errorsOf(
    later,
    (forecast) => forecast.timeMs,
    ({ timeMs }) => timeMs,
  );
  report({
    name: `${name}: time, median error of forecasts that have learnt from the runs before as well (p90 ${percent(quantile(laterErrors, 0.9))})`,
    value: percent(median(laterErrors)),
  });
  report({
    name: `${name}: actual values within the range, time and peak memory`,
    value: `${percent(
      withinOf(
        outcomes,
        ({ timeMs }) => timeMs,
        ({ timeMs }) => timeMs,
      ),
    )}, ${percent(
      withinOf(
        outcomes,
        ({ peakBytes }) => peakBytes,
        ({ peakBytes }) => peakBytes,
      ),
    )}`,
  });
  const unknown = outcomes.filter(({ forecast }) => forecast.unknown.length > 0).length;
  report({ name: `${name}: forecasts with "no data yet" for some node`, value: `${unknown} of ${count}` });
}

function figure(name: string, errors: readonly number[], wanted: number) {
  const error = median(errors);
  return { name, value: percent(error), wanted: `≤ ${percent(wanted)}`, met: error <= wanted };
}

type Foretold = (forecast: RunForecast) => Expected | undefined;
type Actual = (taken: Taken) => number;

/** Relative errors; a forecast that says nothing counts as wholly wrong. */
function errorsOf(outcomes: readonly Outcome[], foretold: Foretold, actual: Actual): number[] {
  return outcomes.map(({ forecast, taken }) => {
    const likely = foretold(forecast)?.likely;
    return likely === undefined ? 1 : Math.abs(likely / actual(taken) - 1);
  });
}

function withinOf(outcomes: readonly Outcome[], foretold: Foretold, actual: Actual): number {
  const within = outcomes.filter(({ forecast, taken }) => {
    const expected = foretold(forecast);
    return expected !== undefined && actual(taken) >= expected.low && actual(taken) <= expected.high;
  });
  return within.length / outcomes.length;
}

function lineOf({ about, forecast, taken }: Outcome) {
  const nodesMs = Object.entries(taken.nodes).map(([id, ms]) => [
    id,
    Math.round(ms),
    Math.round(forecast.nodes[id]?.timeMs?.likely ?? -1),
  ]);
  return {
    nodesMs,
    about,
    taken,
    timeMs: forecast.timeMs,
    peakBytes: forecast.peakBytes,
    unknown: forecast.unknown,
  };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

const partsSchema = z.enum(['server', 'terminal']);

const estimate: BenchSection = async (report, options) => {
  const parts = options.only === undefined ? partsSchema.options : [partsSchema.parse(options.only)];
  for (const part of parts) {
    const scratch = await temporaryFolder();
    const dataFolder = join(scratch.path, 'data');
    await cp(join(projectRoot, 'workflows', 'inputs'), join(scratch.path, 'inputs'), { recursive: true });
    const bench =
      part === 'server' ? await serverBench(dataFolder) : await terminalBench(dataFolder, scratch.path);
    try {
      await measure(part, bench, report, options);
    } finally {
      await bench.close();
      await scratch.dispose();
    }
  }
};
export default estimate;
