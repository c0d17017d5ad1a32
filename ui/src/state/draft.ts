/**
 * The unsaved work, kept in the browser so that closing the window loses nothing. It is data like any other: what
 * was stored is parsed again, and a draft that cannot be read is put aside, not thrown away.
 */
import { type Workflow, workflowSchema } from '@reelgraph/graph';
import { z } from 'zod';

const draftKey = 'reelgraph.draft';
const damagedKey = 'reelgraph.draft.damaged';

const draftSchema = z.object({
  workflow: workflowSchema,
  /** Name under which the server keeps it, when it was saved or opened from there. */
  savedAs: z.string().optional(),
  /** `node.param` of seeds that get a new value before each run. */
  rollingSeeds: z.array(z.string()).default([]),
  /** The run whose progress is shown on the nodes. */
  runId: z.string().optional(),
});
export type EditorDraft = { workflow: Workflow; savedAs?: string | undefined; rollingSeeds: string[]; runId?: string | undefined };

type DraftStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export function readDraft(storage: DraftStorage): EditorDraft | undefined {
  const text = storage.getItem(draftKey);
  if (text === null) return undefined;
  try {
    const parsed = draftSchema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
  } catch {
    // Not JSON: handled like any other unreadable draft.
  }
  storage.setItem(damagedKey, text);
  storage.removeItem(draftKey);
  return undefined;
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
