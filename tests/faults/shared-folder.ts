/**
 * Several processes run the same workflow on one data folder at the same moment, and one of them is killed somewhere
 * in it. The others must finish with the right value, and nothing may be computed more often than there were
 * processes killed in the middle of it, plus one.
 *
 *   a ──> b ──> c ──> d        each takes a moment; their params are new in every round
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createRandom } from '../support/random.ts';
import type { FaultPiece } from './piece.ts';

const processes = 3;
const nodes = ['a', 'b', 'c', 'd'];
const nodeMs = 60;

/** Where a node's beginning is noted, one line each: appended in one write, so lines of several processes do not mix. */
const program = `
  import { appendFileSync } from 'node:fs';
  import { openStore } from ${moduleUrl('../../packages/store/src/index.ts')};
  import { document, registryOf, sumNode, testEngine } from ${moduleUrl('../../packages/engine/src/example-nodes.ts')};
  const [, folder, log, round] = process.argv;
  const busy = async (ctx) => {
    appendFileSync(log, round + ' ' + ctx.nodeId + '\\n');
    await new Promise((resolve) => setTimeout(resolve, ${nodeMs}));
  };
  const registry = registryOf(sumNode('busy', [], busy, { cache: 'disk' }));
  const workflow = document(
    { a: ['busy', Number(round)], b: ['busy', 1], c: ['busy', 2], d: ['busy', 3] },
    ['a.sum -> b.a', 'b.sum -> c.a', 'c.sum -> d.a'],
  );
  const store = await openStore(folder);
  console.log('ready');
  process.stdin.once('data', async () => {
    const result = await testEngine(registry, { store }).run(workflow, { targets: ['d'] });
    store.close();
    console.log(result.status + ' ' + result.outputs.get('d')?.sum?.text);
    process.stdin.destroy();
  });`;

function moduleUrl(path: string): string {
  return JSON.stringify(new URL(path, import.meta.url).href);
}

interface Runner {
  readonly child: ReturnType<typeof start>;
  readonly lines: string[];
  readonly ended: Promise<unknown>;
}

function start(folder: string, log: string, round: number) {
  return spawn(process.execPath, ['--input-type=module', '-e', program, folder, log, String(round)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

async function startRunner(folder: string, log: string, round: number): Promise<Runner> {
  const child = start(folder, log, round);
  const lines: string[] = [];
  let rest = '';
  const ready = Promise.withResolvers<void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
    ready.resolve();
  });
  // One that is killed may be told to begin after its end.
  child.stdin.on('error', () => undefined);
  const ended = once(child, 'close');
  await Promise.race([ready.promise, ended]);
  return { child, lines, ended };
}

const sharedFolder: FaultPiece = async (report, { seed, count = 20 }) => {
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), 'reelgraph-shared-'));
  const log = join(folder, 'log.txt');
  let wrong = 0;
  let tooOften = 0;
  let computed = 0;
  try {
    for (let round = 0; round < count; round += 1) {
      const runners: Runner[] = [];
      for (let at = 0; at < processes; at += 1) runners.push(await startRunner(folder, log, round));
      for (const { child } of runners) child.stdin.write('go\n');
      const victim = random.pick(runners);
      await pause(random.below(nodeMs * nodes.length * 2));
      victim.child.kill('SIGKILL');
      await Promise.all(runners.map(({ ended }) => ended));
      const expected = `succeeded ${round + 1 + 2 + 3}`;
      for (const runner of runners) {
        if (runner !== victim && runner.lines.at(-1) !== expected) wrong += 1;
      }
      const begun = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
      for (const node of nodes) {
        const times = begun.filter((line) => line === `${round} ${node}`).length;
        computed += times;
        if (times > 2) tooOften += 1;
      }
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  report({
    fault: `store: ${processes} processes on one folder, one killed -9`,
    cases: count,
    outcome: `${wrong} wrong results; ${computed} computations of ${count * nodes.length}, ${tooOften} twice too often`,
    wanted: '0 wrong, each at most once more than killed',
    met: wrong === 0 && tooOften === 0,
  });
};
export default sharedFolder;
