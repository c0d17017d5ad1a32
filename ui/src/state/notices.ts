/** Short messages in the corner. They never cover the graph and never ask; what needs a decision is a panel. */
import { Observable } from './observable.ts';

export interface Notice {
  readonly id: number;
  readonly tone: 'info' | 'good' | 'bad';
  readonly text: string;
  readonly hint?: string | undefined;
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
      [...list.filter((other) => other.text !== notice.text), { ...notice, id }].slice(-shownAtMost),
    );
    setTimeout(() => this.remove(id), shownMs[notice.tone]);
  }

  remove(id: number): void {
    this.update((list) =>
      list.some((notice) => notice.id === id) ? list.filter((notice) => notice.id !== id) : list,
    );
  }
}
