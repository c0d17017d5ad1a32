/**
 * What nodes took on this machine, the newest of each kind, in a note beside the results. Only forecasts are made of
 * it: losing it, or some of what two processes write at once, loses no result.
 */
import { createHash } from 'node:crypto';
import { cpus, hostname, totalmem } from 'node:os';
import { type Store, StoreError } from '@reelgraph/store';
import { z } from 'zod';

const noteName = 'costs';
/** Samples kept of a kind of node; enough for a fit, and what the machine was like long ago says little. */
export const maxSamples = 48;
/** Kinds of nodes remembered; the longest unused are forgotten first. */
const maxKinds = 400;
const maxProcesses = 8;

const amountsSchema = z.record(z.string(), z.number().min(0));

/** One node that ran from its beginning to its end, by itself. */
const costSampleSchema = z.strictObject({
  durationMs: z.number().min(0),
  /** Absent where the sizes were not known. */
  work: z.strictObject({ time: amountsSchema, memory: amountsSchema, result: amountsSchema }).optional(),
  /** Variant and precision of the model; '' without one. */
  variant: z.string(),
  /** The first such node of its process: it loaded its model. */
  isCold: z.boolean(),
  /** Resident memory of the process when it began, and at most while it ran; absent for quick nodes. */
  memory: z.strictObject({ restBytes: z.number(), peakBytes: z.number() }).optional(),
  /** What was kept of its result. */
  resultBytes: z.number().min(0),
});
export type CostSample = z.infer<typeof costSampleSchema>;

const processSchema = z.strictObject({
  pid: z.number(),
  /** Resident memory after its last run. */
  heldBytes: z.number(),
  /** Kinds and variants of nodes that have loaded their model in it. */
  warm: z.array(z.string()),
});
export type KnownProcess = z.infer<typeof processSchema>;

const noteSchema = z.strictObject({
  version: z.literal(1),
  machine: z.string(),
  kinds: z.array(z.tuple([z.string(), z.array(costSampleSchema)])),
  processes: z.array(processSchema),
});

/** All that is remembered; samples of a kind oldest first. */
export interface CostHistory {
  readonly kinds: ReadonlyMap<string, readonly CostSample[]>;
  readonly processes: readonly KnownProcess[];
}

/** Nodes whose costs are alike: of a type, with a model, in a lane. */
export interface NodeKind {
  readonly type: string;
  readonly version: number;
  /** Digest of the model's package; '' without one. */
  readonly model: string;
  readonly lane: string;
}

export function kindKey({ type, version, model, lane }: NodeKind): string {
  return [type, version, model.slice(0, 16), lane].join('\n');
}

/** Kind of what a run takes beside its nodes: planning, and waiting for results to reach the disk. */
export const runKind = 'run';

export const emptyHistory: CostHistory = { kinds: new Map(), processes: [] };

/** Costs of another machine say nothing of this one, where several share a data folder. */
export const thisMachine = createHash('sha256')
  .update([hostname(), cpus()[0]?.model ?? '', cpus().length, totalmem()].join('\n'))
  .digest('hex')
  .slice(0, 16);

/** The note as it is written; undefined while there is none, or it cannot be read. */
export function readCostsText(store: Pick<Store, 'readNote'>): string | undefined {
  try {
    return store.readNote(noteName);
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    return undefined;
  }
}

export function parseCosts(text: string | undefined, machine = thisMachine): CostHistory {
  try {
    const parsed = noteSchema.safeParse(text === undefined ? undefined : JSON.parse(text));
    if (!parsed.success || parsed.data.machine !== machine) return emptyHistory;
    return { kinds: new Map(parsed.data.kinds), processes: parsed.data.processes };
  } catch {
    // A damaged note forecasts nothing; the next run replaces it.
    return emptyHistory;
  }
}

/** Adds samples to what is kept, whoever wrote it last. */
export function addCosts(
  store: Pick<Store, 'readNote' | 'writeNote'>,
  samples: ReadonlyMap<string, readonly CostSample[]>,
  process: KnownProcess,
  machine = thisMachine,
): void {
  const { kinds, processes } = parseCosts(readCostsText(store), machine);
  const merged = new Map(kinds);
  for (const [kind, added] of samples) {
    const kept = [...(merged.get(kind) ?? []), ...added].slice(-maxSamples);
    merged.delete(kind);
    merged.set(kind, kept);
  }
  const note: z.infer<typeof noteSchema> = {
    version: 1,
    machine,
    kinds: [...merged].slice(-maxKinds).map(([kind, kept]) => [kind, [...kept]]),
    processes: [...processes.filter(({ pid }) => pid !== process.pid), process].slice(-maxProcesses),
  };
  try {
    store.writeNote(noteName, JSON.stringify(note));
  } catch (error) {
    // A forecast is worth no failed run.
    if (!(error instanceof StoreError)) throw error;
  }
}
