/** All runs the server told of, and which of them the nodes show. The picture is the fold of the server's events. */
import {
  type FileSummary,
  type NodeRunState,
  type RunEvent,
  type RunState,
  reduceRunEvents,
} from '@reelgraph/graph';
import type { Preview } from '@reelgraph/protocol';
import { Observable } from './observable.ts';

/** Runs kept in the browser; the server has them all. */
const keptRuns = 200;
/** Ms that progress is gathered before it is shown: one frame. A picture is copied once per frame, not per event. */
const gatherMs = 16;

export const noNodes: Readonly<Record<string, NodeRunState>> = {};

export function isActive(run: RunState): boolean {
  return run.status === 'queued' || run.status === 'running';
}

export class RunStore {
  readonly runs = new Observable<ReadonlyMap<string, RunState>>(new Map());
  /** The newest moving picture by node, of the shown run. */
  readonly previews = new Observable<ReadonlyMap<string, Preview>>(new Map());
  /** Id of the run whose progress is on the nodes. */
  readonly shownId = new Observable<string | undefined>(undefined);
  /** The run behind `shownId`, once the server has told of it. */
  readonly shown = {
    get: (): RunState | undefined => {
      const id = this.shownId.get();
      return id === undefined ? undefined : this.runs.get().get(id);
    },
    subscribe: (listener: () => void): (() => void) => {
      const stops = [this.shownId.subscribe(listener), this.runs.subscribe(listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
  #early: Preview[] = [];
  /** Runs started from here, oldest first; they are shown one after the other. */
  readonly #own = new Observable<readonly string[]>([]);
  /** Tells when a run was started here. */
  readonly ownChanged = { subscribe: this.#own.subscribe };
  #gathered: RunEvent[] = [];
  #gathering: ReturnType<typeof setTimeout> | undefined;

  /** The picture at a (re)connection. Without runs, the missed events follow and nothing is forgotten. */
  welcome(runs: readonly RunState[] | undefined, previews: readonly Preview[]): void {
    if (runs) {
      this.#gathered = [];
      this.runs.set(new Map(runs.map((run) => [run.runId, run])));
    }
    for (const preview of previews) this.preview(preview);
    this.#showNext();
  }

  /** Takes an event in. What happens in nodes is shown a frame later, all of it at once. */
  event(event: RunEvent): void {
    this.#gathered.push(event);
    if (event.type.startsWith('node.')) {
      // Not an animation frame: a tab in the background has none, and its title still tells the progress.
      this.#gathering ??= setTimeout(() => this.#fold(), gatherMs);
      return;
    }
    this.#fold();
    if (event.type === 'run.finished') this.#showNext();
  }

  #fold(): void {
    clearTimeout(this.#gathering);
    this.#gathering = undefined;
    if (this.#gathered.length === 0) return;
    const events = Map.groupBy(this.#gathered, (event) => event.runId);
    this.#gathered = [];
    const runs = new Map(this.runs.get());
    for (const [runId, list] of events) {
      const run = reduceRunEvents(runs.get(runId), list);
      if (run) runs.set(runId, run);
    }
    for (const id of runs.keys()) {
      if (runs.size <= keptRuns) break;
      if (id !== this.shownId.get() && runs.get(id)?.status !== 'running') runs.delete(id);
    }
    this.runs.set(runs);
  }

  preview(preview: Preview): void {
    if (preview.runId !== this.shownId.get()) {
      // A run's first previews can overtake the answer that tells its id.
      this.#early = [...this.#early.filter((other) => other.nodeId !== preview.nodeId), preview].slice(-20);
      return;
    }
    this.previews.set(new Map(this.previews.get()).set(preview.nodeId, preview));
  }

  /** Shows a run that was started here as soon as those before it are done. */
  follow(runId: string): void {
    this.#own.update((own) => [...own, runId]);
    const shown = this.shown.get();
    if (!shown || !isActive(shown)) this.#show(runId);
  }

  /** Runs that are shown after the one shown now, oldest first. */
  get waiting(): readonly string[] {
    const runs = this.runs.get();
    return this.#own.get().filter((id) => {
      const run = runs.get(id);
      return id !== this.shownId.get() && (run === undefined || isActive(run));
    });
  }

  /** Goes on where the page was before it was loaded again: with the run shown then, and those that waited. */
  resume(runId: string, waiting: readonly string[]): void {
    this.#own.set([runId, ...waiting]);
    this.#show(runId);
  }

  #showNext(): void {
    const shown = this.shown.get();
    if (!shown || isActive(shown)) return;
    const next = this.#own.get().find((id) => {
      const run = this.runs.get().get(id);
      return run !== undefined && isActive(run);
    });
    if (next !== undefined) this.#show(next);
  }

  /** Shows this run on the nodes and no other after it, or none. */
  show(runId: string | undefined): void {
    this.#own.set([]);
    this.#show(runId);
  }

  /** Pictures stay for nodes that the run takes from the cache. */
  #show(runId: string | undefined): void {
    this.shownId.set(runId);
    if (runId === undefined) {
      this.previews.set(new Map());
      return;
    }
    const early = this.#early.filter((preview) => preview.runId === runId);
    this.#early = [];
    for (const preview of early) this.preview(preview);
  }
}

/** Newest first: by queueing time, runs without one last. */
export function runsNewestFirst(runs: ReadonlyMap<string, RunState>): RunState[] {
  return [...runs.values()].sort((a, b) => (b.queuedAtMs ?? 0) - (a.queuedAtMs ?? 0));
}

/** The order of a history: by the time that is shown there, the end, else the beginning. */
export function runsByEnd(runs: ReadonlyMap<string, RunState>): RunState[] {
  const at = (run: RunState): number => run.finishedAtMs ?? run.startedAtMs ?? run.queuedAtMs ?? 0;
  return [...runs.values()].sort((a, b) => at(b) - at(a));
}

export interface ResultItem {
  readonly run: RunState;
  readonly nodeId: string;
  readonly file: FileSummary;
}

/** Pictures and videos that runs delivered, newest first, each content once. */
export function resultsOf(runs: readonly RunState[]): ResultItem[] {
  const seen = new Set<string>();
  const items: ResultItem[] = [];
  for (const run of runs) {
    for (const [nodeId, node] of Object.entries(run.nodes)) {
      for (const output of Object.values(node.outputs ?? {})) {
        const file = output.file;
        if (!file || seen.has(file.digest) || !/^(video|image)\//.test(file.mediaType)) continue;
        seen.add(file.digest);
        items.push({ run, nodeId, file });
      }
    }
  }
  return items;
}
