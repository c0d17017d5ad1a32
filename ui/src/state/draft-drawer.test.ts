import { describe, expect, it, vi } from 'vitest';
import { chain } from '../testing/small-graph.ts';
import { type KeyStorage, memoryStorage } from './browser-storage.ts';
import type { EditorDraft } from './draft.ts';
import { DraftDrawer } from './draft-drawer.ts';

const work = (name: string): EditorDraft => ({
  workflow: { ...chain(), name },
  rollingSeeds: [],
  waitingRuns: [],
});
const names = (drawer: DraftDrawer): string[] => drawer.others().map((other) => other.draft.workflow.name);

/** All that is stored, by key without the id of the tab. */
function stored(storage: KeyStorage): [string, string | null][] {
  return Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? '').map((key) => [
    key.replace(/\.[^.]*$/, ''),
    storage.getItem(key),
  ]);
}

describe('the drafts of several windows', () => {
  it('are each its own: no window writes over the other', () => {
    const storage = memoryStorage();
    const [first, second] = [memoryStorage(), memoryStorage()];
    const one = new DraftDrawer(storage, first);
    const two = new DraftDrawer(storage, second);
    one.write(work('one'));
    two.write(work('two'));
    one.write(work('one again'));
    // Both are loaded again.
    expect(new DraftDrawer(storage, first).open()?.workflow.name).toBe('one again');
    expect(new DraftDrawer(storage, second).open()?.workflow.name).toBe('two');
  });

  it('are taken over one by one when their windows were closed, the newest first', () => {
    vi.useFakeTimers({ now: 1000 });
    try {
      const storage = memoryStorage();
      for (const name of ['older', 'newer']) {
        new DraftDrawer(storage, memoryStorage()).write(work(name), { isClosed: true });
        vi.advanceTimersByTime(1000);
      }
      const next = new DraftDrawer(storage, memoryStorage());
      expect(next.open()?.workflow.name).toBe('newer');
      expect(names(next)).toEqual(['older']);
      const last = new DraftDrawer(storage, memoryStorage());
      expect(last.open()?.workflow.name).toBe('older');
      expect(new DraftDrawer(storage, memoryStorage()).open()).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });

  it('stay with windows that are open; another one can work on a copy', () => {
    const storage = memoryStorage();
    const session = memoryStorage();
    new DraftDrawer(storage, session).write(work('open'));
    const other = new DraftDrawer(storage, memoryStorage());
    expect(other.open()).toBeUndefined();
    expect(other.copyOf(other.others()[0]?.id ?? '')?.workflow.name).toBe('open');
    other.write(work('copy'));
    expect(new DraftDrawer(storage, session).open()?.workflow.name).toBe('open');
  });

  it('part when a tab was duplicated with its id', () => {
    const storage = memoryStorage();
    const session = memoryStorage();
    const one = new DraftDrawer(storage, session);
    one.write(work('both'));
    const copy = new DraftDrawer(storage, session);
    expect(copy.open()?.workflow.name).toBe('both');
    copy.write(work('copy'));
    one.write(work('one'));
    copy.write(work('copy again'));
    expect(names(new DraftDrawer(storage, memoryStorage())).sort()).toEqual(['copy again', 'one']);
  });

  it('is none on a first visit', () => {
    expect(new DraftDrawer(memoryStorage(), memoryStorage()).open()).toBeUndefined();
  });

  it('that cannot be read is put aside and not thrown away', () => {
    const storage = memoryStorage({ 'reelgraph.draft.t': '{"workflow":{"reelgraph":99}}' });
    const drawer = new DraftDrawer(storage, memoryStorage({ 'reelgraph.tab': 't' }));
    expect(drawer.open()).toBeUndefined();
    expect(stored(storage)).toEqual([['reelgraph.damaged-draft', '{"workflow":{"reelgraph":99}}']]);
  });

  it('that cannot be read keeps no editor from opening, not even where the browser has no room', () => {
    const storage = memoryStorage({ 'reelgraph.draft.t': '{' });
    storage.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    expect(new DraftDrawer(storage, memoryStorage({ 'reelgraph.tab': 't' })).open()).toBeUndefined();
  });

  it('says when there is no room, and leaves what it could not take over', () => {
    const storage = memoryStorage();
    new DraftDrawer(storage, memoryStorage()).write(work('closed'), { isClosed: true });
    storage.setItem = () => {
      throw new DOMException('full', 'QuotaExceededError');
    };
    const drawer = new DraftDrawer(storage, memoryStorage());
    expect(drawer.open()?.workflow.name).toBe('closed');
    expect(drawer.write(work('mine'))).toBe(false);
    expect(names(drawer)).toEqual(['closed']);
  });
});
