/**
 * Node types that are not shipped: one does to its process what nodes and native code have done to others, the others
 * sample as the shipped ones do and note every step.
 */
import { spawn } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { deepTextEncoder } from '@reelgraph/inference/testing';
import { type AnyNodeDefinition, defineNode, type RunContext } from '@reelgraph/node-api';
import { builtinNodes } from '@reelgraph/nodes';
import { InferenceSession } from 'onnxruntime-node';

/** What a node may do instead of its work. */
export const misdeeds = {
  nothing: () => undefined,
  fails: () => {
    throw new Error('as it was told to');
  },
  'loops for ever': () => {
    for (;;);
  },
  // Nobody listens to a cancel in there, and nobody ends the thread.
  'loops for ever in a thread of its own': () =>
    new Promise((_, reject) => new Worker('for (;;);', { eval: true }).once('error', reject)),
  'never answers': () => new Promise(() => undefined),
  exits: () => process.exit(3),
  aborts: () => process.abort(),
  'is killed': () => process.kill(process.pid, 'SIGKILL'),
  // What is shipped refuses such a file by its content and tries others in a process of their own: this one gets through.
  'opens a model that crashes the runtime': () => InferenceSession.create(deepTextEncoder(3000)),
  // A program that does not look at its input would outlive the process that started it.
  'dies with a program at work': async () => {
    const program = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    await new Promise((started) => program.once('spawn', started));
    process.kill(process.pid, 'SIGSEGV');
  },
  'fills the heap': () => {
    const held: unknown[] = [];
    for (;;) held.push(new Array(10_000).fill({}).map((_, index) => ({ index })));
  },
  // In steps, so that the system sees it coming; outside of V8's own limit.
  'fills the memory': async () => {
    const held: Buffer[] = [];
    for (;;) {
      held.push(Buffer.alloc(16 * 1024 ** 2, held.length + 1));
      await new Promise(setImmediate);
    }
  },
} as const satisfies Record<string, () => unknown>;
export type Misdeed = keyof typeof misdeeds;

function isMisdeed(name: string): name is Misdeed {
  return Object.hasOwn(misdeeds, name);
}

export const misbehave = defineNode({
  type: 'misbehave',
  version: 1,
  title: 'Misbehave',
  description: 'Does something that no node should.',
  category: 'Test',
  inputs: {},
  outputs: { number: { type: 'number', label: 'Number', description: 'The one that was given.' } },
  params: {
    how: {
      kind: 'text',
      label: 'How',
      description: 'What it does.',
      default: 'nothing',
      multiline: false,
      maxLength: 100,
    },
    number: {
      kind: 'integer',
      label: 'Number',
      description: 'What it gives.',
      default: 0,
      min: 0,
      max: 1_000_000,
    },
  },
  cache: 'none',
  lane: 'cpu',
  isOutput: true,
  async run({ params }) {
    if (!isMisdeed(params.how)) throw new Error(`There is no misdeed "${params.how}".`);
    await misdeeds[params.how]();
    return { number: params.number };
  },
});

/** The variable that names the file of steps: a line `runId nodeId step pid` for each that was computed. */
export const stepLogName = 'REELGRAPH_TEST_STEP_LOG';

/** A node type that samples, under the name `noted-…`. */
function noted(type: 'denoise' | 'continue-denoise'): AnyNodeDefinition {
  const definition = builtinNodes.get(type);
  if (definition === undefined) throw new Error(`There is no node type "${type}".`);
  return {
    ...definition,
    type: `noted-${type}`,
    run: ({ ctx, ...rest }) => definition.run({ ...rest, ctx: noting(ctx) }),
  };
}

function noting(ctx: RunContext): RunContext {
  let noted = 0;
  const note = (step: number): void => {
    const log = process.env[stepLogName];
    if (log === undefined || step === noted) return;
    noted = step;
    appendFileSync(log, `${ctx.runId} ${ctx.nodeId} ${step} ${process.pid}\n`);
  };
  const checkpoints: RunContext['checkpoints'] = {
    load: (read) => ctx.checkpoints.load(read),
    // Before it is saved: it is done by now.
    save(step, produce) {
      note(step);
      return ctx.checkpoints.save(step, produce);
    },
  };
  const progress: RunContext['progress'] = (update) => {
    // Before the first step comes a message, and no step. The last one is not saved.
    if (update.message === undefined) note(update.step);
    ctx.progress(update);
  };
  return Object.create(ctx, { progress: { value: progress }, checkpoints: { value: checkpoints } });
}

export const nodes: readonly AnyNodeDefinition[] = [misbehave, noted('denoise'), noted('continue-denoise')];
