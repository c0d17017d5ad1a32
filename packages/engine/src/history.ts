/**
 * Remembers what each node's last key was made of, so that a node that runs again can say why. Only an
 * explanation: losing it loses no result.
 */
import type { RanBecause } from '@reelgraph/graph';
import { type Store, StoreError } from '@reelgraph/store';
import { z } from 'zod';
import type { PlannedNode, RunPlan } from './plan.ts';

const noteName = 'last-keys';
/** Nodes remembered; the longest unseen are forgotten first. */
const maxEntries = 5000;

const entrySchema = z.strictObject({
  key: z.string(),
  version: z.number(),
  params: z.record(z.string(), z.string()),
  inputs: z.record(z.string(), z.string()),
});
const noteSchema = z.array(z.tuple([z.string(), entrySchema]));
type Entry = z.infer<typeof entrySchema>;

export interface KeyHistory {
  /** Why a node has to run although it could have been cached; `lost` is what became of its result, where that is known. */
  explain(
    workflowName: string,
    node: PlannedNode,
    partsOf: RunPlan['partsOf'],
    lost: 'damaged' | 'evicted' | undefined,
  ): RanBecause;
  /** Notes the key that a node was computed under. */
  remember(workflowName: string, node: PlannedNode, partsOf: RunPlan['partsOf']): void;
  /** Notes that a node had this key again and came from the cache; of a node it does not know, nothing. */
  rememberCached(workflowName: string, node: PlannedNode, partsOf: RunPlan['partsOf']): void;
  /** Keeps what was remembered since the last time. */
  save(): void;
}

export function createKeyHistory(store: Store | undefined): KeyHistory {
  const entries = new Map<string, Entry>(readNote(store));
  let changed = false;
  // Line feeds: no id or type has one, so parts cannot run together.
  const place = (workflowName: string, node: PlannedNode): string =>
    `${node.id}\n${node.definition.type}\n${workflowName}`;
  return {
    explain(workflowName, node, partsOf, lost) {
      if (node.key === undefined) return { code: 'not-cacheable' };
      if (lost !== undefined) return { code: lost };
      const last = entries.get(place(workflowName, node));
      if (last === undefined) return { code: 'never-computed' };
      if (last.version !== node.definition.version) return { code: 'node-changed' };
      if (last.key === node.key) return { code: node.definition.cache === 'memory' ? 'memory-only' : 'lost' };
      const parts = partsOf(node);
      for (const [name, text] of Object.entries(parts.params)) {
        const before = last.params[name];
        if (before === text) continue;
        const sameModel =
          node.definition.params[name]?.kind === 'model' &&
          before !== undefined &&
          modelName(before) === modelName(text);
        const change = before === undefined ? {} : { from: shownParam(before), to: shownParam(text) };
        return { code: sameModel ? 'model-changed' : 'param-changed', name, ...change };
      }
      // In the order of the node's ports, of which the first says most: a prompt before its negative.
      const ports = Object.keys(node.definition.inputs);
      for (const port of new Set([...ports, ...Object.keys(parts.inputs), ...Object.keys(last.inputs)])) {
        if (last.inputs[port] !== parts.inputs[port]) return { code: 'input-changed', name: port };
      }
      // Neither params nor inputs: the document that the node puts into its result.
      return { code: 'workflow-changed' };
    },
    remember,
    // Only what is known already: a large graph from the cache must not push out and compute what explains others.
    rememberCached(workflowName, node, partsOf) {
      const last = entries.get(place(workflowName, node));
      if (last !== undefined && last.key !== node.key) remember(workflowName, node, partsOf);
    },
    save() {
      if (!changed || store === undefined) return;
      changed = false;
      try {
        store.writeNote(noteName, JSON.stringify([...entries]));
      } catch (error) {
        // An explanation is worth no failed run.
        if (!(error instanceof StoreError)) throw error;
      }
    },
  };
  function remember(workflowName: string, node: PlannedNode, partsOf: RunPlan['partsOf']): void {
    if (node.key === undefined) return;
    const at = place(workflowName, node);
    if (entries.get(at)?.key === node.key) return;
    const { version, params, inputs } = partsOf(node);
    entries.delete(at);
    entries.set(at, { key: node.key, version, params, inputs });
    changed = true;
    for (const oldest of entries.keys()) {
      if (entries.size <= maxEntries) break;
      entries.delete(oldest);
    }
  }
}

/** Longest param value that is shown; of a text that changed, its beginning is enough to know it by. */
const shownLength = 60;

/** A param's text as people read it: without its kind, a digest by its first digits, a long text by its beginning. */
function shownParam(text: string): string {
  const [, kind = '', mark, value = text] = /^([a-z]+)([:~])(.*)$/s.exec(text) ?? [];
  if (kind === 'file') return value === '' ? 'none' : value.slice(0, 12);
  if (kind === 'model') return value.replace(/:([0-9a-f]{12})[0-9a-f]*$/, ' ($1)').replace(/:$/, '');
  const shown = [...value];
  const cut = shown.length > shownLength ? `${shown.slice(0, shownLength).join('')}…` : value;
  return mark === '~' || kind !== 'text' ? cut : JSON.stringify(cut);
}

/** `model:<name>:<digest>` without the digest. */
function modelName(text: string): string {
  return text.slice(0, text.lastIndexOf(':'));
}

function readNote(store: Store | undefined): [string, Entry][] {
  try {
    const text = store?.readNote(noteName);
    const parsed = noteSchema.safeParse(text === undefined ? [] : JSON.parse(text));
    return parsed.success ? parsed.data : [];
  } catch {
    // A damaged note explains nothing; the next save replaces it.
    return [];
  }
}
