/** 200 spoilt workflows and 100 good ones, checked; the test asserts what the bench prints. */
import { checkWorkflow, fixWorkflow } from '@reelgraph/engine';
import { applyFix, type GraphIssue, type Workflow, workflowSchema } from '@reelgraph/graph';
import type { InferContext } from '@reelgraph/node-api';
import { builtinNodes } from '@reelgraph/nodes';
import { shippedContext, shippedWorkflows } from './documents.ts';
import { mutators } from './mutators.ts';
import { seeded } from './random.ts';
import { vary } from './variations.ts';

export interface SpoiltCase {
  readonly seed: number;
  readonly mutator: string;
  readonly workflow: string;
  /** Codes of the errors found; none: it would have been run. */
  readonly codes: readonly string[];
  /** The first fix offered, applied: its issue is gone and no error is new. */
  readonly isFixed: boolean;
  /** The label of that fix. */
  readonly fix?: string;
  /** Errors left when every fix offered is applied in turn. */
  readonly left: readonly string[];
}

export interface GoodCase {
  readonly seed: number;
  readonly workflow: string;
  readonly errors: readonly string[];
}

const errorsOf = (issues: readonly GraphIssue[]) => issues.filter(({ severity }) => severity === 'error');
const keyOf = ({ code, nodeId, port, param }: GraphIssue) => [code, nodeId, port, param].join(' ');

function counts(issues: readonly GraphIssue[]): Map<string, number> {
  const map = new Map<string, number>();
  for (const issue of errorsOf(issues)) map.set(keyOf(issue), (map.get(keyOf(issue)) ?? 0) + 1);
  return map;
}

/** Workflow `seed` spoilt by one mutator; the first of the shipped ones, from a place of the seed's, that it fits. */
export function spoilt(seed: number): { workflow: Workflow; mutator: string; name: string } {
  const mutator = mutators[seed % mutators.length];
  if (mutator === undefined) throw new Error('there are no mutators');
  const shipped = [...shippedWorkflows()];
  const random = seeded(seed);
  const first = random.below(shipped.length);
  for (const [name, workflow] of [...shipped.slice(first), ...shipped.slice(0, first)]) {
    if (mutator.spoil(workflow, random)) return { workflow, mutator: mutator.name, name };
  }
  throw new Error(`no shipped workflow has a place for "${mutator.name}"`);
}

export function checkSpoilt(seed: number, context: InferContext): SpoiltCase {
  const { workflow, mutator, name } = spoilt(seed);
  const { issues } = checkWorkflow(workflow, builtinNodes, context);
  const about = { seed, mutator, workflow: name, codes: errorsOf(issues).map(({ code }) => code) };
  const first = errorsOf(issues).find(({ fix }) => fix !== undefined);
  if (first?.fix === undefined) return { ...about, isFixed: false, left: about.codes };
  const mended = applyFix(workflow, first.fix);
  // Whatever a fix does, the document can be saved and read.
  workflowSchema.parse(mended);
  const before = counts(issues);
  const after = counts(checkWorkflow(mended, builtinNodes, context).issues);
  const isGone = (after.get(keyOf(first)) ?? 0) < (before.get(keyOf(first)) ?? 0);
  const isClean = [...after].every(([key, count]) => count <= (before.get(key) ?? 0));
  return { ...about, isFixed: isGone && isClean, fix: first.fix.label, left: [...after.keys()] };
}

export function checkGood(seed: number, context: InferContext): GoodCase {
  const shipped = [...shippedWorkflows()];
  const [name = '', workflow] = shipped[seed % shipped.length] ?? [];
  if (workflow === undefined) throw new Error('there are no workflows');
  vary(workflow, seeded(1000 + seed));
  const errors = errorsOf(checkWorkflow(workflow, builtinNodes, context).issues);
  return { seed, workflow: name, errors: errors.map(({ code, message }) => `${code}: ${message}`) };
}

/** A workflow spoilt by three mistakes at once; mistakes that no fix can mend (a file that is gone) are not among them. */
export function spoiltThrice(seed: number): { workflow: Workflow; mistakes: readonly string[] } {
  const random = seeded(5000 + seed);
  const [, workflow] = random.pick([...shippedWorkflows()]);
  const mendable = mutators.filter(({ name }) => name !== 'file that is gone');
  const chosen = Array.from({ length: 3 }, () => random.pick(mendable));
  const made = chosen.filter(({ spoil }) => spoil(workflow, random));
  return { workflow, mistakes: made.map(({ name }) => name) };
}

/** As many as a document of the suite has models. */
const mostChoices = 8;

/** Errors left after all fixes offered were applied, one after the other; choices as a person who takes each. */
export async function errorsAfterMending(
  workflow: Workflow,
  context: InferContext,
): Promise<readonly string[]> {
  const look = (changed: Workflow) => checkWorkflow(changed, builtinNodes, context);
  let mended = await fixWorkflow(workflow, look);
  for (let round = 0; round < mostChoices; round += 1) {
    const { fix } = errorsOf(mended.check.issues).find((issue) => issue.fix !== undefined) ?? {};
    if (fix === undefined) break;
    mended = await fixWorkflow(applyFix(mended.workflow, fix), look);
  }
  return errorsOf(mended.check.issues).map(({ code }) => code);
}

export const spoiltCount = 200;
export const goodCount = 100;

/** All of both. */
export async function checkSuite(): Promise<{ spoilt: readonly SpoiltCase[]; good: readonly GoodCase[] }> {
  const context = await shippedContext();
  return {
    spoilt: Array.from({ length: spoiltCount }, (_, seed) => checkSpoilt(seed, context)),
    good: Array.from({ length: goodCount }, (_, seed) => checkGood(seed, context)),
  };
}
