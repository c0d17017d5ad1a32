/**
 * Keeps the forecast of the document up to date: a moment after its meaning changed, and after every run, from which
 * the server has learnt. The answer is made on a thread of its own there, so nothing here waits for it.
 */
import { isActive } from '../state/run-store.ts';
import type { Editor } from './editor.ts';

/** Longer than that of the check: typing is seldom over after it. */
const forecastDelayMs = 350;

export function keepForecasting(editor: Editor): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: AbortController | undefined;
  let seen: readonly unknown[] = [];
  const ask = async (): Promise<void> => {
    asked?.abort();
    asked = new AbortController();
    const { signal } = asked;
    const document = editor.document.get();
    try {
      const answer = await editor.client.estimate(document, { signal });
      if (signal.aborted) return;
      editor.forecastDocument = document;
      editor.forecast.set(answer);
    } catch {
      // No forecast is no fault: the run itself says what is wrong with the connection.
      if (!signal.aborted) editor.forecast.set(undefined);
    }
  };
  const later = (): void => {
    const { nodes, edges } = editor.document.get();
    const isOpen = editor.connection.get().status === 'open';
    const ended = [...editor.runs.runs.get().values()].filter((run) => !isActive(run)).length;
    const parts = [nodes, edges, editor.catalogue.get(), isOpen, ended];
    if (parts.every((part, index) => part === seen[index])) return;
    seen = parts;
    clearTimeout(timer);
    if (!isOpen || editor.catalogue.get().size === 0 || Object.keys(nodes).length === 0) {
      asked?.abort();
      editor.forecast.set(undefined);
      return;
    }
    timer = setTimeout(() => void ask(), forecastDelayMs);
  };
  for (const source of [editor.document, editor.catalogue, editor.connection, editor.runs.runs])
    source.subscribe(later);
}
