/**
 * The workflow document and its history. This is the only place where the document changes: everything a person
 * does is one `edit`, which gives the new state together with the patches that made it and those that undo it.
 *
 * Selection and viewport are not here: undo is for work, not for looking around.
 */
import type { Workflow } from '@reelgraph/graph';
import { applyPatches, type Draft, enablePatches, type Patch, produceWithPatches } from 'immer';
import type { Readable } from './observable.ts';

enablePatches();

/** Undo steps kept; older ones fall off the end. */
const historyLimit = 500;

export interface DocumentChange {
  readonly document: Workflow;
  readonly previous: Workflow;
  readonly patches: readonly Patch[];
  readonly inversePatches: readonly Patch[];
  readonly cause: 'edit' | 'undo' | 'redo' | 'reset';
  readonly label: string;
  /** Number of the workflow it is now, and of the one it was; they differ when another one was opened. */
  readonly workflowNumber: number;
  readonly previousNumber: number;
}

interface HistoryEntry {
  readonly label: string;
  /** Edits in a row with the same key are one step of undo (typing in one field, one drag of a slider). */
  readonly mergeKey: string | undefined;
  readonly patches: readonly Patch[];
  readonly inversePatches: readonly Patch[];
  /** `workflowNumber` before and after; undo across an opening goes back to the other workflow. */
  readonly numbers: readonly [before: number, after: number];
}

export interface HistoryState {
  readonly undoLabel: string | undefined;
  readonly redoLabel: string | undefined;
}

export class DocumentStore implements Readable<Workflow> {
  #document: Workflow;
  #undo: HistoryEntry[] = [];
  #redo: HistoryEntry[] = [];
  #sealed = true;
  #number = 1;
  #lastNumber = 1;
  #history: HistoryState = { undoLabel: undefined, redoLabel: undefined };
  readonly #listeners = new Set<() => void>();
  readonly #changeListeners = new Set<(change: DocumentChange) => void>();

  constructor(document: Workflow) {
    this.#document = document;
  }

  readonly get = (): Workflow => this.#document;

  /**
   * Which workflow of this visit is shown. What belongs to a workflow and is not in the document (the name it is
   * saved under, the run on its nodes) is kept by this number, so that undo of an opening finds it again.
   */
  get workflowNumber(): number {
    return this.#number;
  }

  /** Labels of the next undo and redo; a new object whenever they change. */
  readonly history = {
    get: (): HistoryState => this.#history,
    subscribe: (listener: () => void): (() => void) => this.subscribe(listener),
  };

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Like `subscribe`, with the patches of the change. */
  onChange(listener: (change: DocumentChange) => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /**
   * Changes the document by `recipe` on an immer draft (or by a whole new document that it returns).
   * Gives the change, or undefined when the recipe changed nothing; then there is no step to undo either.
   * `isAnotherWorkflow`: what stands there afterwards is not the same workflow changed, but another one opened;
   * this is a step even when both read the same.
   */
  edit(
    label: string,
    recipe: (draft: Draft<Workflow>) => undefined | Workflow,
    options: { mergeKey?: string; isAnotherWorkflow?: boolean } = {},
  ): DocumentChange | undefined {
    const previous = this.#document;
    const [document, patches, inversePatches] = produceWithPatches(previous, recipe);
    const isAnother = options.isAnotherWorkflow === true;
    if (!isAnother && (document === previous || patches.length === 0)) return undefined;
    this.#document = document;
    this.#redo = [];
    const previousNumber = this.#number;
    if (isAnother) this.#number = ++this.#lastNumber;
    const last = this.#undo.at(-1);
    if (last && !this.#sealed && options.mergeKey !== undefined && last.mergeKey === options.mergeKey) {
      this.#undo[this.#undo.length - 1] = mergeEntries(last, patches, inversePatches);
    } else {
      const numbers = [previousNumber, this.#number] as const;
      this.#undo.push({ label, mergeKey: options.mergeKey, patches, inversePatches, numbers });
      if (this.#undo.length > historyLimit) this.#undo.shift();
    }
    this.#sealed = isAnother;
    return this.#publish({
      document,
      previous,
      patches,
      inversePatches,
      cause: 'edit',
      label,
      previousNumber,
    });
  }

  /** Starts over with another document and no history, as when a page opens with a draft. */
  reset(document: Workflow): void {
    const previous = this.#document;
    const previousNumber = this.#number;
    this.#document = document;
    this.#number = ++this.#lastNumber;
    this.#undo = [];
    this.#redo = [];
    this.#sealed = true;
    this.#publish({
      document,
      previous,
      patches: [],
      inversePatches: [],
      cause: 'reset',
      label: '',
      previousNumber,
    });
  }

  /** Ends a group: the next edit is a step of its own even with the same merge key. Called on blur and release. */
  seal(): void {
    this.#sealed = true;
  }

  undo(): DocumentChange | undefined {
    const entry = this.#undo.pop();
    if (!entry) return undefined;
    this.#redo.push(entry);
    return this.#apply(entry.inversePatches, entry.patches, 'undo', entry.label, entry.numbers[0]);
  }

  redo(): DocumentChange | undefined {
    const entry = this.#redo.pop();
    if (!entry) return undefined;
    this.#undo.push(entry);
    return this.#apply(entry.patches, entry.inversePatches, 'redo', entry.label, entry.numbers[1]);
  }

  #apply(
    patches: readonly Patch[],
    inversePatches: readonly Patch[],
    cause: 'undo' | 'redo',
    label: string,
    number: number,
  ): DocumentChange {
    this.#sealed = true;
    const previous = this.#document;
    const previousNumber = this.#number;
    this.#document = applyPatches(previous, patches);
    this.#number = number;
    return this.#publish({
      document: this.#document,
      previous,
      patches,
      inversePatches,
      cause,
      label,
      previousNumber,
    });
  }

  #publish(told: Omit<DocumentChange, 'workflowNumber'>): DocumentChange {
    const change: DocumentChange = { ...told, workflowNumber: this.#number };
    const undoLabel = this.#undo.at(-1)?.label;
    const redoLabel = this.#redo.at(-1)?.label;
    if (undoLabel !== this.#history.undoLabel || redoLabel !== this.#history.redoLabel) {
      this.#history = { undoLabel, redoLabel };
    }
    for (const listener of [...this.#changeListeners]) listener(change);
    for (const listener of [...this.#listeners]) listener();
    return change;
  }
}

/** Joins an edit to the step before it. A hundred keystrokes in one field keep one patch, not a hundred. */
function mergeEntries(
  entry: HistoryEntry,
  patches: readonly Patch[],
  inversePatches: readonly Patch[],
): HistoryEntry {
  const samePlace =
    entry.patches.length === patches.length &&
    patches.every((patch, index) => {
      const before = entry.patches[index];
      return before !== undefined && patch.op === 'replace' && before.path.join('/') === patch.path.join('/');
    });
  if (samePlace) {
    const kept = patches.map((patch, index) => ({ ...patch, op: entry.patches[index]?.op ?? patch.op }));
    return { ...entry, patches: kept };
  }
  return {
    ...entry,
    patches: [...entry.patches, ...patches],
    inversePatches: [...inversePatches, ...entry.inversePatches],
  };
}
