/** Where the browser keeps things: `localStorage` for all windows and visits, `sessionStorage` for this tab. */
export type KeyStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem' | 'key' | 'length'>;

/** The browser's storage, or one for this visit only where the browser keeps none (some private windows). */
export function browserStorage(kind: 'localStorage' | 'sessionStorage' = 'localStorage'): KeyStorage {
  try {
    // Reading may throw where cookies are off. Writing is not tried: a storage that is full can still be read.
    const storage = globalThis[kind];
    storage.getItem('reelgraph');
    return storage;
  } catch {
    return memoryStorage();
  }
}

/** A storage that is forgotten with the page. */
export function memoryStorage(content: Readonly<Record<string, string>> = {}): KeyStorage {
  const map = new Map(Object.entries(content));
  return {
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, value) => {
      map.set(key, value);
    },
    removeItem: (key) => {
      map.delete(key);
    },
    key: (index) => [...map.keys()][index] ?? null,
    get length() {
      return map.size;
    },
  };
}
