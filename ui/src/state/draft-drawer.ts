/**
 * The drafts of all windows, one for each tab, so that no window writes over the work of another.
 *
 * A tab knows its draft by an id in its session storage, which lives through a reload. A new tab takes over the
 * newest draft whose window was closed; all others stay, and are listed to be opened by hand.
 */
import type { KeyStorage } from './browser-storage.ts';
import { draftText, type EditorDraft, type KeptDraft, parseDraft } from './draft.ts';

const draftPrefix = 'reelgraph.draft.';
const damagedPrefix = 'reelgraph.damaged-draft.';
const tabKey = 'reelgraph.tab';

/** A draft of another window. */
export interface OtherDraft {
  readonly id: string;
  readonly draft: KeptDraft;
}

export class DraftDrawer {
  readonly #storage: KeyStorage;
  readonly #session: KeyStorage;
  #tab: string;
  /** What this page last read or wrote under its key; anything else there is the work of another window. */
  #mine: string | null = null;

  /** `storage` is shared by all windows, `session` belongs to the tab. */
  constructor(storage: KeyStorage, session: KeyStorage) {
    this.#storage = storage;
    this.#session = session;
    this.#tab = session.getItem(tabKey) ?? this.#newTab();
  }

  /** The draft to go on with: this tab's own after a reload, else the newest one of a closed window. */
  open(): EditorDraft | undefined {
    const own = this.#read(this.#tab);
    if (own) {
      this.#mine = this.#storage.getItem(draftPrefix + this.#tab);
      return own;
    }
    const closed = this.others().find((other) => other.draft.isClosed);
    // It goes once it is this tab's own, and stays where there was no room for that.
    if (closed && this.write(closed.draft)) this.discard(closed.id);
    return closed?.draft;
  }

  /** Drafts of other windows, newest first. Some of those windows may still be open. */
  others(): OtherDraft[] {
    const ids: string[] = [];
    for (let index = 0; index < this.#storage.length; index++) {
      const key = this.#storage.key(index);
      if (key?.startsWith(draftPrefix)) ids.push(key.slice(draftPrefix.length));
    }
    return ids
      .filter((id) => id !== this.#tab)
      .flatMap((id) => {
        const draft = this.#read(id);
        return draft ? [{ id, draft }] : [];
      })
      .sort((a, b) => b.draft.keptAtMs - a.draft.keptAtMs);
  }

  /** Another window's draft, to work on a copy of it. It stays until it is discarded. */
  copyOf(id: string): EditorDraft | undefined {
    return this.#read(id);
  }

  discard(id: string): void {
    this.#storage.removeItem(draftPrefix + id);
  }

  /**
   * Keeps this tab's draft. False when the browser has no room; the editor then says so, because closing it would
   * lose work. A duplicated tab has the id of the other: whoever finds the other's work under it takes a new one.
   */
  write(draft: EditorDraft, options: { isClosed?: boolean } = {}): boolean {
    const text = draftText({ ...draft, keptAtMs: Date.now(), isClosed: options.isClosed ?? false });
    try {
      const there = this.#storage.getItem(draftPrefix + this.#tab);
      if (there !== null && there !== this.#mine) this.#tab = this.#newTab();
      this.#storage.setItem(draftPrefix + this.#tab, text);
      this.#mine = text;
      return true;
    } catch {
      return false;
    }
  }

  #newTab(): string {
    const id = Math.random().toString(36).slice(2, 10) + Date.now().toString(36);
    try {
      this.#session.setItem(tabKey, id);
    } catch {
      // Without it a reload finds the draft as that of a closed window.
    }
    return id;
  }

  /** A draft that cannot be read is put aside, not thrown away: a newer editor may read it. */
  #read(id: string): KeptDraft | undefined {
    const text = this.#storage.getItem(draftPrefix + id);
    if (text === null) return undefined;
    const draft = parseDraft(text);
    if (draft) return draft;
    try {
      // First out of the way: where there is no room for a second copy there is again once the first is gone.
      this.#storage.removeItem(draftPrefix + id);
      this.#storage.setItem(damagedPrefix + id, text);
    } catch {
      this.#putBack(id, text);
    }
    return undefined;
  }

  #putBack(id: string, text: string): void {
    try {
      this.#storage.setItem(draftPrefix + id, text);
    } catch {
      // There was room for it a moment ago; another window has taken it. Opening the editor matters more.
    }
  }
}
