/**
 * A value that can be watched. All state of the editor lives in a handful of these, outside React, so that the
 * canvas (which is not React) and the panels (which are) read the same thing.
 */
import { useSyncExternalStore } from 'react';

/** A value with listeners that are called after it was replaced. */
export interface Readable<T> {
  get(): T;
  subscribe(listener: () => void): () => void;
}

export class Observable<T> implements Readable<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  readonly get = (): T => this.#value;

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  update(change: (value: T) => T): void {
    this.set(change(this.#value));
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

/** Reads an observable in a component and renders again when it is replaced. */
export function useObservable<T>(source: Readable<T>): T {
  return useSyncExternalStore(source.subscribe, source.get);
}

/** Like `useObservable` for a part of the value; `select` must give the same reference for the same part. */
export function useSelected<T, S>(source: Readable<T>, select: (value: T) => S): S {
  return useSyncExternalStore(source.subscribe, () => select(source.get()));
}
