/** A mixed load: clips, drafts that are finished, scenes without a model, runs that fail, and some of them again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseWorkflow, type Workflow } from '@reelgraph/graph';
import type { Random } from '../../support/random.ts';
import { projectRoot } from '../../support/server.ts';
import { misbehaving } from '../misbehaving/workflows.ts';

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
      set(workflow, 'scene', { seed: String(seed) });
      return { name, workflow, mustFail: false };
    }
    if (kind < 8) {
      const workflow = template('draft-choose-finish');
      for (const take of [1, 2, 3, 4]) set(workflow, `noise-${take}`, { seed: String(seed + take) });
      set(workflow, 'scheduler', { steps: fewest, stopAfter: 3 });
      set(workflow, 'choose', { take: 1 + random.below(4) });
      return { name, workflow, mustFail: false };
    }
    const workflow = template('text-to-video');
    set(workflow, 'noise', { seed: String(seed) });
    set(workflow, 'scheduler', { steps: fewest + random.below(10) });
    return { name, workflow, mustFail: false };
  };
  return () => {
    const job = earlier.length > 3 && random.below(8) === 0 ? random.pick(earlier) : make();
    earlier.push(job);
    return job;
  };
}

function readWorkflow(name: string): Workflow {
  const parsed = parseWorkflow(readFileSync(join(projectRoot, 'workflows', `${name}.json`), 'utf8'));
  if (!parsed.ok) throw new Error(`${name}: ${JSON.stringify(parsed.issues)}`);
  return parsed.workflow;
}

/** The same workflow with nodes that note every step. */
function notingSteps(workflow: Workflow): Workflow {
  const nodes = Object.entries(workflow.nodes).map(([id, node]) => [
    id,
    ['denoise', 'continue-denoise'].includes(node.type) ? { ...node, type: `noted-${node.type}` } : node,
  ]);
  return { ...workflow, nodes: Object.fromEntries(nodes) };
}

function set(workflow: Workflow, nodeId: string, params: Readonly<Record<string, string | number>>): void {
  const node = workflow.nodes[nodeId];
  if (node === undefined) throw new Error(`"${workflow.name}" has no node "${nodeId}".`);
  Object.assign(node.params, params);
}
