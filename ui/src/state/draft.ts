/**
 * The unsaved work as it is kept in the browser. It is data like any other: what was stored is parsed again, by the
 * parser that reads every workflow, so that drafts of older formats are brought up to date too.
 */
import { parseWorkflowValue, type Workflow } from '@reelgraph/graph';

export interface EditorDraft {
  readonly workflow: Workflow;
  /** Name under which the server keeps it, when it was saved or opened from there. */
  readonly savedAs?: string | undefined;
  /** `node.param` of seeds that get a new value before each run. */
  readonly rollingSeeds: readonly string[];
  /** The run whose progress is shown on the nodes. */
  readonly runId?: string | undefined;
  /** Runs that are to be shown after it. */
  readonly waitingRuns: readonly string[];
}

/** A draft with what the drawer notes on it. */
export interface KeptDraft extends EditorDraft {
  readonly keptAtMs: number;
  /** Its window was closed. False also after a crash, which leaves nobody to say so. */
  readonly isClosed: boolean;
}

export function draftText(draft: KeptDraft): string {
  return JSON.stringify(draft);
}

/** The draft in a text, or undefined when it cannot be read. */
export function parseDraft(text: string): KeptDraft | undefined {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof data !== 'object' || data === null || !('workflow' in data)) return undefined;
  const parsed = parseWorkflowValue(data.workflow);
  if (!parsed.ok) return undefined;
  const value = (key: string): unknown => (Object.hasOwn(data, key) ? Reflect.get(data, key) : undefined);
  const texts = (key: string): string[] => {
    const list = value(key);
    return Array.isArray(list) ? list.filter((item) => typeof item === 'string') : [];
  };
  const savedAs = value('savedAs');
  const runId = value('runId');
  const keptAtMs = value('keptAtMs');
  return {
    workflow: parsed.workflow,
    savedAs: typeof savedAs === 'string' ? savedAs : undefined,
    rollingSeeds: texts('rollingSeeds'),
    runId: typeof runId === 'string' ? runId : undefined,
    waitingRuns: texts('waitingRuns'),
    keptAtMs: typeof keptAtMs === 'number' ? keptAtMs : 0,
    isClosed: value('isClosed') === true,
  };
}
