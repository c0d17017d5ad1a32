/**
 * Cancels runs at random moments of each phase of their work, and measures how long it takes until the server has
 * recorded the end, and until nothing of the run is left: no program, no thread at work, no file in the making.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createClient, type ReelgraphClient } from '@reelgraph/client';
import { emptyWorkflow, type RunEvent, type Workflow } from '@reelgraph/graph';
import { findFfmpeg } from '@reelgraph/media';
import { endMarked, markName, processesMarked, temporaryFiles } from '../../support/leftovers.ts';
import { createRandom } from '../../support/random.ts';
import { startServer, temporaryFolder } from '../../support/server.ts';
import { writeHostileModels } from '../misbehaving/models.ts';
import { stepLogName } from '../misbehaving/nodes.ts';
import {
  misbehaving,
  notingSteps,
  readingPrompt,
  readWorkflow,
  setParams,
} from '../misbehaving/workflows.ts';

export interface CancelledPhase {
  /** `sampling` */
  readonly phase: string;
  /** From the request to the recorded end, milliseconds; one for each cancel, smallest first. */
  readonly recordedMs: readonly number[];
  /** From the request until nothing was left, as far as looking every few milliseconds tells. */
  readonly quietMs: readonly number[];
  /** Ends that were recorded as something else than cancelled, though the request came before them. */
  readonly otherwise: readonly string[];
  /** Where the phase samples: the most steps that were done before a cancel and had to be done again. */
  readonly mostStepsLost?: number;
}

interface Phase {
  readonly name: string;
  readonly workflow: (seed: number) => Workflow;
  readonly targets?: readonly string[];
  /** The phase lasts from one event of its run to another. */
  readonly begins: (event: RunEvent) => boolean;
  readonly ends: (event: RunEvent) => boolean;
  /** How long it lasts, where it would never end. */
  readonly lastsMs?: number;
  readonly samples?: boolean;
}

/** A run that has nothing left to wait for is looked at again after this time. */
const lookAgainMs = 5;
/** After this long something is left for good. */
const giveUpMs = 20_000;

const started = (nodeId: string) => (event: RunEvent) =>
  event.type === 'node.started' && event.nodeId === nodeId;
const finished = (nodeId: string) => (event: RunEvent) =>
  event.type === 'node.finished' && event.nodeId === nodeId;
const stepped = (event: RunEvent) =>
  event.type === 'node.progress' && event.nodeId === 'denoise' && event.step > 0;
const never = () => false;

function textToVideo(seed: number, steps: number): Workflow {
  const workflow = notingSteps(readWorkflow('text-to-video'));
  setParams(workflow, 'noise', { seed: String(seed) });
  setParams(workflow, 'scheduler', { steps });
  // Else the prompt comes from the cache.
  setParams(workflow, 'prompt', {
    prompt: `a large red circle moves right on a navy background, take ${seed}`,
  });
  return workflow;
}

function recoded(file: string, seed: number): Workflow {
  return {
    ...emptyWorkflow('Recode'),
    nodes: {
      load: { type: 'load-video', version: 1, params: { file } },
      resize: { type: 'resize-frames', version: 1, params: { width: 640 - 2 * (seed % 100), height: 360 } },
      mux: { type: 'video-mux', version: 1, params: {} },
      save: { type: 'save-video', version: 1, params: {} },
    },
    edges: [
      { from: ['load', 'frames'], to: ['resize', 'frames'] },
      { from: ['resize', 'frames'], to: ['mux', 'frames'] },
      { from: ['mux', 'video'], to: ['save', 'video'] },
    ],
  };
}

/** `file`: a video among the inputs. */
function phasesWith(file: string): readonly Phase[] {
  return [
    {
      name: 'reading the prompt (its model is opened)',
      workflow: (seed) => textToVideo(seed, 1),
      begins: started('prompt'),
      ends: finished('prompt'),
    },
    {
      name: 'model load before sampling',
      workflow: (seed) => textToVideo(seed, 30),
      begins: started('denoise'),
      ends: stepped,
    },
    {
      name: 'sampling',
      workflow: (seed) => textToVideo(seed, 30),
      begins: stepped,
      ends: finished('denoise'),
      samples: true,
    },
    {
      name: 'decode (VAE)',
      workflow: (seed) => textToVideo(seed, 1),
      begins: started('decode'),
      ends: finished('decode'),
    },
    {
      name: 'mux (ffmpeg)',
      workflow: (seed) => textToVideo(seed, 1),
      begins: started('mux'),
      ends: finished('mux'),
    },
    {
      name: 'video read, resized and written (two ffmpeg)',
      workflow: (seed) => recoded(file, seed),
      begins: started('mux'),
      ends: finished('mux'),
    },
    {
      name: 'session.run that never ends',
      workflow: (seed) => readingPrompt('endless', `a circle ${seed}`),
      targets: ['prompt'],
      begins: started('prompt'),
      ends: never,
      lastsMs: 1000,
    },
    {
      name: 'a loop without end in the thread of runs',
      workflow: (seed) => misbehaving('loops for ever', seed % 1000),
      begins: started('node'),
      ends: never,
      lastsMs: 1000,
    },
    {
      name: 'a node that hears nothing, in its own thread',
      workflow: (seed) => misbehaving('loops for ever in a thread of its own', seed % 1000),
      begins: started('node'),
      ends: never,
      lastsMs: 1000,
    },
  ];
}

/** @param phases only those whose name begins with one of these */
export async function cancelAtRandom(options: {
  readonly seed: number;
  readonly count: number;
  readonly phases?: readonly string[];
  readonly onPhase?: (phase: CancelledPhase) => void;
}): Promise<CancelledPhase[]> {
  const random = createRandom(options.seed);
  const scratch = await temporaryFolder();
  const dataFolder = join(scratch.path, 'data');
  const stepLog = join(scratch.path, 'steps.txt');
  const models = join(scratch.path, 'models');
  const mark = randomUUID();
  await writeHostileModels(models);
  const server = await startServer({
    dataFolder,
    entry: join(import.meta.dirname, '../misbehaving/server.ts'),
    args: ['--models', models],
    // Without room for more than one model each run opens its own anew.
    env: { [markName]: mark, [stepLogName]: stepLog, REELGRAPH_MODEL_MEMORY: '0' },
  });
  const client = createClient({ baseUrl: server.baseUrl });
  const follower = followRuns(client);
  try {
    const { file } = await client.uploadFile(await testVideo(scratch.path), 'video/mp4');
    const found: CancelledPhase[] = [];
    for (const phase of phasesWith(file)) {
      if (options.phases?.some((name) => phase.name.startsWith(name)) === false) continue;
      const result = await cancelPhase(phase);
      options.onPhase?.(result);
      found.push(result);
    }
    return found;
  } finally {
    follower.close();
    await server.stop('SIGKILL');
    await endMarked(mark);
    await scratch.dispose();
  }

  async function cancelPhase(phase: Phase): Promise<CancelledPhase> {
    const lastsMs = phase.lastsMs ?? (await measure(phase));
    const recordedMs: number[] = [];
    const quietMs: number[] = [];
    const otherwise: string[] = [];
    let mostStepsLost = 0;
    while (recordedMs.length < options.count) {
      const workflow = phase.workflow(random.below(2 ** 31));
      const runId = await start(phase, workflow);
      await follower.heard(runId, (event) => phase.begins(event) || event.type === 'run.finished');
      await pause(random.below(Math.max(1, lastsMs)));
      const askedAt = performance.now();
      // It was over before anybody asked: says nothing.
      if (follower.endOf(runId) !== undefined) continue;
      await client.cancelRun(runId);
      const end = await follower.heard(runId, (event) => event.type === 'run.finished');
      const status = end.event.type === 'run.finished' ? end.event.status : undefined;
      // It may have done its last while the request was on its way.
      if (status === 'succeeded') continue;
      if (status !== 'cancelled') otherwise.push(`${phase.name}: ${JSON.stringify(end.event)}`);
      recordedMs.push(end.atMs - askedAt);
      await quiet(phase.name);
      quietMs.push(performance.now() - askedAt);
      if (phase.samples === true)
        mostStepsLost = Math.max(mostStepsLost, await stepsLost(phase, workflow, runId));
    }
    for (const list of [recordedMs, quietMs]) list.sort((a, b) => a - b);
    return {
      phase: phase.name,
      recordedMs,
      quietMs,
      otherwise,
      ...(phase.samples === true ? { mostStepsLost } : {}),
    };
  }

  async function start({ targets }: Phase, workflow: Workflow): Promise<string> {
    const { runId } = await client.startRun(workflow, targets === undefined ? {} : { targets });
    return runId;
  }

  /** How long the phase lasts, in a run that nobody cancels. */
  async function measure(phase: Phase): Promise<number> {
    const runId = await start(phase, phase.workflow(random.below(2 ** 31)));
    const begin = await follower.heard(runId, phase.begins);
    const end = await follower.heard(runId, phase.ends);
    await follower.heard(runId, (event) => event.type === 'run.finished');
    return end.atMs - begin.atMs;
  }

  /** Waits until there is nothing but the server and its runner. */
  async function quiet(phase: string): Promise<void> {
    const until = performance.now() + giveUpMs;
    let left: string[] = [];
    while (performance.now() < until) {
      const { pid } = (await client.getHealth()).runner;
      const known = [server.process.pid, pid];
      left = processesMarked(mark).flatMap((one) => (known.includes(one.pid) ? [] : [one.command]));
      left.push(...temporaryFiles(dataFolder));
      if (left.length === 0) return;
      await pause(lookAgainMs);
    }
    throw new Error(`after a cancel in "${phase}" something is left: ${left.join(', ')}`);
  }

  /** Steps that were done before the cancel and are done again when the same is computed again. */
  async function stepsLost(phase: Phase, workflow: Workflow, cancelled: string): Promise<number> {
    const runId = await start(phase, workflow);
    while (stepsOf(runId).length === 0 && follower.endOf(runId) === undefined) await pause(20);
    await client.cancelRun(runId);
    await follower.heard(runId, (event) => event.type === 'run.finished');
    const [before, after] = [Math.max(0, ...stepsOf(cancelled)), stepsOf(runId)[0]];
    return after === undefined ? 0 : Math.max(0, before - after + 1);
  }

  function stepsOf(runId: string): number[] {
    const lines = existsSync(stepLog) ? readFileSync(stepLog, 'utf8').split('\n') : [];
    return lines.filter((line) => line.startsWith(`${runId} `)).map((line) => Number(line.split(' ')[2]));
  }
}

interface Heard {
  readonly event: RunEvent;
  readonly atMs: number;
}

/** Everything that is told of runs, and when it came. */
function followRuns(client: ReelgraphClient) {
  const told: Heard[] = [];
  const waiting = new Set<() => void>();
  const connection = client.connectEvents({
    onWelcome: () => undefined,
    onEvent: ({ event }) => {
      told.push({ event, atMs: performance.now() });
      for (const look of [...waiting]) look();
    },
    onPreview: () => undefined,
  });
  const find = (runId: string, wanted: (event: RunEvent) => boolean) =>
    told.find(({ event }) => event.runId === runId && wanted(event));
  return {
    /** The first event of the run that is wanted, when it has come. */
    heard: (runId: string, wanted: (event: RunEvent) => boolean) =>
      new Promise<Heard>((resolve) => {
        const look = () => {
          const found = find(runId, wanted);
          if (found === undefined) return;
          waiting.delete(look);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    endOf: (runId: string) => find(runId, (event) => event.type === 'run.finished'),
    close: () => connection.close(),
  };
}

/** Four seconds of a moving picture in 720p. */
async function testVideo(folder: string): Promise<Uint8Array<ArrayBuffer>> {
  const path = join(folder, 'test.mp4');
  const source = ['-f', 'lavfi', '-i', 'testsrc=size=1280x720:rate=30:duration=4', '-pix_fmt', 'yuv420p'];
  await promisify(execFile)(findFfmpeg(), ['-v', 'error', ...source, '-preset', 'ultrafast', path]);
  return new Uint8Array(await readFile(path));
}
