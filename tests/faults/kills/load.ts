/** A mixed load: clips, drafts that are finished, scenes without a model, runs that fail, and some of them again. */
import type { Workflow } from '@reelgraph/graph';
import type { Random } from '../../support/random.ts';
import { misbehaving, notingSteps, readWorkflow, setParams } from '../misbehaving/workflows.ts';

export interface Job {
  /** Jobs of one name give the same. */
  readonly name: string;
  readonly workflow: Workflow;
  readonly mustFail: boolean;
}

const fewest = 6;

/** Answers one job after the other, as the random numbers have it. */
export function createLoad(random: Random): () => Job {
  const earlier: Job[] = [];
  const templates = new Map<string, Workflow>();
  const template = (name: string): Workflow => {
    const known = templates.get(name) ?? notingSteps(readWorkflow(name));
    templates.set(name, known);
    return structuredClone(known);
  };
  const make = (): Job => {
    const seed = random.below(2 ** 31);
    const kind = random.below(20);
    const name = `${kind} ${seed}`;
    if (kind < 2) return { name, workflow: misbehaving('fails', seed % 1_000_000), mustFail: true };
    if (kind < 5) {
      const workflow = template('ground-truth-scene');
      setParams(workflow, 'scene', { seed: String(seed) });
      return { name, workflow, mustFail: false };
    }
    if (kind < 8) {
      const workflow = template('draft-choose-finish');
      for (const take of [1, 2, 3, 4]) setParams(workflow, `noise-${take}`, { seed: String(seed + take) });
      setParams(workflow, 'scheduler', { steps: fewest, stopAfter: 3 });
      setParams(workflow, 'choose', { take: 1 + random.below(4) });
      return { name, workflow, mustFail: false };
    }
    const workflow = template('text-to-video');
    setParams(workflow, 'noise', { seed: String(seed) });
    setParams(workflow, 'scheduler', { steps: fewest + random.below(10) });
    return { name, workflow, mustFail: false };
  };
  return () => {
    const job = earlier.length > 3 && random.below(8) === 0 ? random.pick(earlier) : make();
    earlier.push(job);
    return job;
  };
}
