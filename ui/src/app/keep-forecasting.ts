/**
 * Keeps the forecast of the document up to date: a moment after its meaning changed, and after every run, from which
 * the server has learnt. The answer is made on a thread of its own there, so nothing here waits for it.
 */
import { isActive } from '../state/run-store.ts';
import { askWhenChanged } from './ask-when-changed.ts';
import type { Editor } from './editor.ts';

/** Longer than that of the check: typing is seldom over after it. */
const forecastDelayMs = 350;

export function keepForecasting(editor: Editor): void {
  const { document, catalogue, connection, forecast, runs } = editor;
  const isOpen = (): boolean => connection.get().status === 'open';
  askWhenChanged({
    delayMs: forecastDelayMs,
    sources: [document, catalogue, connection, runs.runs],
    parts() {
      const { nodes, edges } = document.get();
      const ended = [...runs.runs.get().values()].filter((run) => !isActive(run)).length;
      return [nodes, edges, catalogue.get(), isOpen(), ended];
    },
    isReady: () => isOpen() && catalogue.get().size > 0 && Object.keys(document.get().nodes).length > 0,
    forget: () => forecast.set(undefined),
    async ask(signal) {
      const of = document.get();
      try {
        const answer = await editor.client.estimate(of, { signal });
        if (!signal.aborted) forecast.set({ ...answer, of });
      } catch {
        // No forecast is no fault: the run itself says what is wrong with the connection.
        if (!signal.aborted) forecast.set(undefined);
      }
    },
  });
}
