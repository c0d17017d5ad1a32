/** Gives out the item with the least rank, whatever the order they came in: a binary heap. */
export interface MinHeap<T> {
  readonly size: number;
  push(item: T): void;
  /** Undefined when it is empty. */
  pop(): T | undefined;
}

/** Both calls take time logarithmic in the number of items. */
export function createMinHeap<T>(rankOf: (item: T) => number): MinHeap<T> {
  const items: { readonly item: T; readonly rank: number }[] = [];
  const rankAt = (index: number): number => items[index]?.rank ?? Number.POSITIVE_INFINITY;
  const swap = (a: number, b: number): void => {
    const [first, second] = [items[a], items[b]];
    if (first === undefined || second === undefined) return;
    items[a] = second;
    items[b] = first;
  };
  return {
    get size() {
      return items.length;
    },
    push(item) {
      items.push({ item, rank: rankOf(item) });
      for (let at = items.length - 1; at > 0; ) {
        const parent = (at - 1) >> 1;
        if (rankAt(parent) <= rankAt(at)) break;
        swap(parent, at);
        at = parent;
      }
    },
    pop() {
      const [top] = items;
      const last = items.pop();
      if (items.length === 0 || last === undefined) return top?.item;
      items[0] = last;
      for (let at = 0; ; ) {
        const left = 2 * at + 1;
        const least = rankAt(left + 1) < rankAt(left) ? left + 1 : left;
        if (rankAt(least) >= rankAt(at)) break;
        swap(least, at);
        at = least;
      }
      return top?.item;
    },
  };
}
