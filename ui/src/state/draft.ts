/**
 * The unsaved work, kept in the browser so that closing the window loses nothing. It is data like any other: what
 * was stored is parsed again, and a draft that cannot be read is put aside, not thrown away.
 */
import { type Workflow, workflowSchema } from '@reelgraph/graph';

const draftKey = 'reelgraph.draft';
const damagedKey = 'reelgraph.draft.damaged';

export interface EditorDraft {
  readonly workflow: Workflow;
  /** Name under which the server keeps it, when it was saved or opened from there. */
  readonly savedAs?: string | undefined;
  /** `node.param` of seeds that get a new value before each run. */
  readonly rollingSeeds: readonly string[];
  /** The run whose progress is shown on the nodes. */
  readonly runId?: string | undefined;
}

type DraftStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export function readDraft(storage: DraftStorage): EditorDraft | undefined {
  const text = storage.getItem(draftKey);
  if (text === null) return undefined;
  try {
    const draft = parseDraft(JSON.parse(text));
    if (draft) return draft;
  } catch {
    // Not JSON: handled like any other unreadable draft.
  }
  storage.setItem(damagedKey, text);
  storage.removeItem(draftKey);
  return undefined;
}

function parseDraft(data: unknown): EditorDraft | undefined {
  if (typeof data !== 'object' || data === null || !('workflow' in data)) return undefined;
  const parsed = workflowSchema.safeParse(data.workflow);
  if (!parsed.success) return undefined;
  const text = (key: string): string | undefined => {
    const value: unknown = key in data ? Reflect.get(data, key) : undefined;
    return typeof value === 'string' ? value : undefined;
  };
  const seeds: unknown = 'rollingSeeds' in data ? data.rollingSeeds : [];
  return {
    workflow: parsed.data,
    savedAs: text('savedAs'),
    rollingSeeds: Array.isArray(seeds) ? seeds.filter((seed) => typeof seed === 'string') : [],
    runId: text('runId'),
  };
}

/** False when the browser has no room; the editor then says so, because closing it would lose work. */
export function writeDraft(storage: DraftStorage, draft: EditorDraft): boolean {
  try {
    storage.setItem(draftKey, JSON.stringify(draft));
    return true;
  } catch {
    return false;
  }
}
