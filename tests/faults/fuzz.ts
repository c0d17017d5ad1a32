/**
 * Workflows as nobody should write them. All go through the functions that read, check, mend and write workflows; some
 * also go to a real server, as text, to be checked, saved and run. Nothing may throw, no answer may be a server's fault,
 * no prototype may change, and what was accepted must come back as it was saved.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createClient } from '@reelgraph/client';
import {
  applyInputs,
  diffWorkflows,
  type GraphIssue,
  parseWorkflow,
  parseWorkflowValue,
  stringifyWorkflow,
} from '@reelgraph/graph';
import {
  type Catalogue,
  createCatalogue,
  createInputFiles,
  dataFolderAt,
  modelRootsOf,
} from '@reelgraph/host';
import fc from 'fast-check';
import { projectRoot, startServer, temporaryFolder } from '../support/server.ts';
import { type FuzzCase, workflowTexts } from './fuzz/workflow-texts.ts';
import type { FaultPiece } from './piece.ts';

export interface FuzzOptions {
  readonly seed: number;
  readonly count: number;
}

export interface FuzzCounts {
  readonly cases: number;
  /** Cases that are workflows, and those of them that can run. */
  readonly workflows: number;
  readonly runnable: number;
  /** HTTP status -> answers, where a server was asked. */
  readonly answers: Readonly<Record<number, number>>;
}

/** One in so many workflows is also mended. */
const mendShare = 10;
const workflowsFolder = join(projectRoot, 'workflows');

function shippedTexts(): string[] {
  return readdirSync(workflowsFolder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => readFileSync(join(workflowsFolder, file), 'utf8'));
}

/** Stands for a format of the past, so that documents pass through a migration. */
const migrations = new Map([[0, (document: Readonly<Record<string, unknown>>) => ({ ...document })]]);

const builtIns = [Object.prototype, Array.prototype, Function.prototype, String.prototype];
const builtInNames = builtIns.map((prototype) => Reflect.ownKeys(prototype).length);

function requireCleanPrototypes(): void {
  for (const [index, prototype] of builtIns.entries()) {
    if (Reflect.ownKeys(prototype).length !== builtInNames[index]) throw new Error('a prototype was changed');
  }
}

function requireIssues(issues: readonly GraphIssue[]): void {
  if (issues.length === 0) throw new Error('refused without an issue');
  for (const { code, message } of issues) {
    if (code === '' || message === '') throw new Error(`an issue says nothing: ${code} ${message}`);
  }
}

/** Reads, checks, mends and writes one text as every part of the system does. @throws Error for what must not be */
async function passThrough(
  { text }: FuzzCase,
  catalogue: Catalogue,
): Promise<'refused' | 'blocked' | 'runnable'> {
  const parsed = parseWorkflow(text, { migrations });
  let value: unknown;
  try {
    // As a server reads it: a mark of the byte order is no part of the text.
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    value = undefined;
  }
  const again = parseWorkflowValue(value, { migrations });
  requireCleanPrototypes();
  if (!parsed.ok) {
    requireIssues(parsed.issues);
    return 'refused';
  }
  if (!again.ok) throw new Error(`the text is a workflow and its value is none: ${again.issues[0]?.message}`);
  const { workflow } = parsed;
  const written = stringifyWorkflow(workflow);
  const reread = parseWorkflow(written);
  if (!reread.ok) throw new Error(`what was written cannot be read: ${reread.issues[0]?.message}`);
  if (stringifyWorkflow(reread.workflow) !== written) throw new Error('written twice, it differs');
  if (diffWorkflows(workflow, reread.workflow).length > 0)
    throw new Error('read again, it is another workflow');
  const before = JSON.stringify(workflow);
  const { issues } = await catalogue.check(workflow);
  for (const issue of issues) requireIssues([issue]);
  // Both check again, and mending many times.
  if (text.length % mendShare === 0) {
    await catalogue.mend(workflow);
    for (const issue of await catalogue.findBlockers(workflow)) requireIssues([issue]);
  }
  const inputs = Object.fromEntries(Object.keys(workflow.inputs).map((name) => [name, 'x']));
  const applied = applyInputs(workflow, inputs, catalogue.typesByName);
  if (!applied.ok) requireIssues(applied.issues);
  if (JSON.stringify(workflow) !== before) throw new Error('a look at the workflow has changed it');
  requireCleanPrototypes();
  return issues.some(({ severity }) => severity === 'error') ? 'blocked' : 'runnable';
}

/** Runs cases through the functions. @throws Error with seed, path and the smallest case that fails */
export async function fuzzFunctions({ seed, count }: FuzzOptions): Promise<FuzzCounts> {
  const scratch = await temporaryFolder();
  const folder = dataFolderAt(scratch.path);
  const catalogue = await createCatalogue(modelRootsOf(folder), {
    files: createInputFiles([{ folder: join(workflowsFolder, 'inputs'), prefix: 'inputs' }]),
  });
  const outcomes = { refused: 0, blocked: 0, runnable: 0 };
  try {
    await fc.assert(
      fc.asyncProperty(workflowTexts(shippedTexts(), catalogue.nodeTypes), async (one) => {
        outcomes[await passThrough(one, catalogue)] += 1;
      }),
      { seed, numRuns: count },
    );
  } finally {
    await catalogue.close();
    await scratch.dispose();
  }
  const { blocked, runnable } = outcomes;
  return { cases: count, workflows: blocked + runnable, runnable, answers: {} };
}

/** Cases that are on their way to the server at one time. */
const atATime = 8;
const calls = ['check', 'save', 'run', 'batch'] as const;
const oddIds = ['..%2f..%2fescape', '%00', 'con', 'x'.repeat(300), '%E0%A4%A', '__proto__', '.hidden'];

/** Sends cases to a server of its own. @throws Error with seed, path and the smallest cases that fail */
export async function fuzzServer({ seed, count }: FuzzOptions): Promise<FuzzCounts> {
  const scratch = await temporaryFolder();
  const server = await startServer({ dataFolder: join(scratch.path, 'data') });
  const client = createClient({ baseUrl: server.baseUrl });
  const answers: Record<number, number> = {};
  let cases = 0;

  async function send(method: string, path: string, body: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`${server.baseUrl}/api/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body,
    });
    return { status: response.status, text: await response.text() };
  }
  async function trial({ text }: FuzzCase, call: (typeof calls)[number], id: number): Promise<void> {
    const path = {
      check: 'check',
      save: `workflows/${oddIds[id] ?? `fuzz-${id % 20}`}`,
      run: 'runs',
      batch: 'runs/batch',
    }[call];
    const body = {
      check: text,
      save: text,
      run: `{"workflow":${text}}`,
      batch: `{"workflow":${text},"runs":[{},{"inputs":{"seed":"1","a.seed":"2"}}]}`,
    }[call];
    const answer = await send(call === 'save' ? 'PUT' : 'POST', path, body);
    cases += 1;
    answers[answer.status] = (answers[answer.status] ?? 0) + 1;
    if (answer.status >= 500) throw new Error(`${call}: ${answer.status} ${answer.text}`);
    const said: unknown = JSON.parse(answer.text);
    if (answer.status >= 400 && !/"code":"[a-z-]+\/[a-z-]+"/.test(answer.text))
      throw new Error(`${call}: ${answer.status} without a code: ${answer.text}`);
    if (call === 'save' && answer.status === 200) {
      const saved = await send('PUT', path, JSON.stringify(await client.getWorkflow(`fuzz-${id % 20}`)));
      if (saved.status !== 200) throw new Error(`what was saved is refused: ${saved.text}`);
    }
    if (typeof said !== 'object' || said === null) throw new Error(`${call}: not an answer: ${answer.text}`);
  }

  try {
    await client.pauseQueue();
    const one = fc.tuple(
      workflowTexts(shippedTexts(), await client.listNodeTypes()),
      fc.constantFrom(...calls, 'check', 'check'),
      fc.nat({ max: 400 }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(one, { minLength: atATime, maxLength: atATime }), async (trials) => {
        // Saved under one name at a time, so that what is read is what was written.
        const places = new Set<string>();
        const apart = trials.filter(([, call, id]) => {
          const place = call === 'save' ? `${id % 20}` : `${places.size}-`;
          return !places.has(place) && places.add(place);
        });
        await Promise.all(apart.map(([text, call, id]) => trial(text, call, id)));
      }),
      { seed, numRuns: Math.ceil(count / atATime) },
    );
    const health = await client.getHealth();
    if (server.process.exitCode !== null || health.serverId === '') throw new Error('the server has ended');
    await client.cancelAllRuns();
  } finally {
    await server.stop();
    await scratch.dispose();
  }
  return { cases, workflows: answers[200] ?? 0, runnable: answers[202] ?? 0, answers };
}

/** Every fifth case also goes to a server. */
const serverShare = 0.2;

const fuzz: FaultPiece = async (report, { seed, count = 100_000 }) => {
  const told = async (
    fault: string,
    wanted: string,
    planned: number,
    work: (options: FuzzOptions) => Promise<FuzzCounts>,
  ): Promise<void> => {
    try {
      const { cases, workflows, runnable, answers } = await work({ seed, count: planned });
      const byStatus = Object.entries(answers).map(([status, times]) => `${status}: ${times}`);
      const outcome =
        byStatus.length > 0 ? byStatus.join(', ') : `${workflows} workflows, ${runnable} can run`;
      report({ fault, cases, outcome, wanted, met: true });
    } catch (error) {
      console.error(error instanceof Error ? error.message : error);
      report({ fault, cases: planned, outcome: 'see above', wanted, met: false });
    }
  };
  const through = 'fuzz: workflow JSON through parse, check, mend and save';
  await told(through, 'no throw, no pollution', count, fuzzFunctions);
  const toServer = 'fuzz: the same to a server: check, save, run, batch';
  await told(toServer, 'no 5xx, no crash', Math.ceil(count * serverShare), fuzzServer);
};
export default fuzz;
