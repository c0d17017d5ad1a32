/** Short messages in the corner. They never cover the graph and never ask; what needs a decision is a panel. */
import { Observable } from './observable.ts';

export type NoticeTopic = 'server' | 'run' | 'open' | 'save' | 'upload';

export interface Notice {
  readonly id: number;
  readonly tone: 'info' | 'good' | 'bad';
  readonly text: string;
  readonly hint?: string | undefined;
  /** What it is about: the next good news about the same takes it away, and so does the next bad. */
  readonly about?: NoticeTopic | undefined;
  readonly action?: { readonly label: string; readonly run: () => void } | undefined;
}

const shownMs = { info: 4000, good: 4000, bad: 9000 } as const;
const shownAtMost = 4;

export class NoticeStore extends Observable<readonly Notice[]> {
  #next = 1;

  constructor() {
    super([]);
  }

  add(notice: Omit<Notice, 'id'>): void {
    const id = this.#next++;
    // The same sentence again replaces the one that stands.
    this.update((list) =>
      [
        ...list.filter(
          (other) =>
            other.text !== notice.text && (notice.about === undefined || other.about !== notice.about),
        ),
        { ...notice, id },
      ].slice(-shownAtMost),
    );
    setTimeout(() => this.remove(id), shownMs[notice.tone]);
  }

  /** Takes away what was said of a matter that is settled. */
  settle(about: NoticeTopic): void {
    this.update((list) =>
      list.some((notice) => notice.about === about) ? list.filter((notice) => notice.about !== about) : list,
    );
  }

  remove(id: number): void {
    this.update((list) =>
      list.some((notice) => notice.id === id) ? list.filter((notice) => notice.id !== id) : list,
    );
  }
}
