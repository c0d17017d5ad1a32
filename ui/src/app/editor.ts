/**
 * The editor's parts put together: the document, what surrounds it (selection, runs, what the server offers) and
 * the connection to the server. Components and the canvas get it through `useEditor`; what a person can do with it
 * is in `actions/`.
 */
import {
  createClient,
  type EventConnection,
  type LiveSession,
  type OpenLiveOptions,
  type ReelgraphClient,
} from '@reelgraph/client';
import type { Endpoint, NodeCatalogue, RunForecast, Workflow } from '@reelgraph/graph';
import { emptyWorkflow } from '@reelgraph/graph';
import type {
  CheckAnswer,
  EstimateAnswer,
  ModelSummary,
  QueueSummary,
  WorkflowSummary,
} from '@reelgraph/protocol';
import type { GraphView } from '../rete/graph-view.ts';
import type { HeldWire } from '../rete/typed-flow.ts';
import { browserStorage } from '../state/browser-storage.ts';
import { catalogueOf, emptyCatalogue } from '../state/catalogue.ts';
import { DocumentStore } from '../state/document-store.ts';
import { DraftDrawer } from '../state/draft-drawer.ts';
import { FileNames } from '../state/file-names.ts';
import { NoticeStore } from '../state/notices.ts';
import { Observable } from '../state/observable.ts';
import { RunLabels, runLabel } from '../state/run-labels.ts';
import { RunStore } from '../state/run-store.ts';
import { SelectionStore } from '../state/selection.ts';
import { sparedNodes } from '../state/spared-nodes.ts';
import { staleNodes } from '../state/stale-nodes.ts';
import type { ThemeName } from '../styles/theme.ts';

export type PanelTab = 'inspector' | 'outline' | 'results' | 'runs' | 'problems';

/** The one thing that lies over the editor, if any. */
export type Overlay =
  | {
      readonly kind: 'add';
      /** Place on the screen of the menu, and in the graph of the node to be. */
      readonly screen: { readonly x: number; readonly y: number };
      readonly at: readonly [number, number];
      /** A wire that the new node is to take. */
      readonly wire?: { readonly held: HeldWire; readonly end: Endpoint };
    }
  | { readonly kind: 'palette' }
  | { readonly kind: 'templates' }
  | { readonly kind: 'models' }
  | { readonly kind: 'save' }
  | { readonly kind: 'help' };

export interface Connection {
  readonly status: 'connecting' | 'open' | 'closed' | 'refused';
  readonly detail?: string | undefined;
}

export const emptyQueueSummary: QueueSummary = {
  isPaused: false,
  runningId: null,
  waitingCount: 0,
  next: [],
};

export const emptyCheck: CheckAnswer = { issues: [], facts: {} };

/** A forecast, and the document that it is of. */
export interface DocumentForecast extends EstimateAnswer {
  readonly of: Workflow;
}

export class Editor {
  readonly client: ReelgraphClient;
  readonly document: DocumentStore;
  readonly selection = new SelectionStore();
  readonly runs = new RunStore();
  readonly notices = new NoticeStore();
  /** What tells runs apart in lists. */
  readonly runLabels = new RunLabels(async (runId) => {
    const workflow = this.#ranBy.get(runId) ?? (await this.client.getRun(runId)).workflow;
    return runLabel(workflow, this.catalogue.get());
  });
  /** Unsaved work of this window and of others. */
  readonly drafts: DraftDrawer;
  /** What uploaded files are called. */
  readonly fileNames = new FileNames(browserStorage());
  readonly catalogue = new Observable<NodeCatalogue>(emptyCatalogue);
  readonly models = new Observable<readonly ModelSummary[]>([]);
  readonly workflows = new Observable<readonly WorkflowSummary[]>([]);
  /** What is wrong with the document and what is known of its wires; lags behind typing by a moment. */
  readonly check = new Observable<CheckAnswer>(emptyCheck);
  /** What a run of the document would take; undefined while nothing is known. Lags behind, too. */
  readonly forecast = new Observable<DocumentForecast | undefined>(undefined);
  /** What runs that were started here were expected to take when they were. */
  readonly expected = new Map<string, RunForecast>();
  readonly connection = new Observable<Connection>({ status: 'connecting' });
  readonly overlay = new Observable<Overlay | undefined>(undefined);
  readonly panel = new Observable<{ readonly open: boolean; readonly tab: PanelTab }>({
    open: true,
    tab: 'inspector',
  });
  readonly theme = new Observable<ThemeName>('dark');
  /** `node.param` of seeds that get a new value before each run. */
  readonly rollingSeeds = new Observable<ReadonlySet<string>>(new Set());
  /** Id under which the server keeps this workflow. */
  readonly savedAs = new Observable<string | undefined>(undefined);
  /** The workflow that the shown run executed, when it is known. */
  readonly ranWorkflow = new Observable<Workflow | undefined>(undefined);
  readonly #ranBy = new Map<string, Workflow>();
  /** By workflow number, what goes with a workflow that is not shown now and may come back by undo or redo. */
  readonly #setAside = new Map<number, { savedAs: string | undefined; runId: string | undefined }>();
  /** Nodes whose shown result is no longer that of the document. */
  readonly stale = new Observable<ReadonlySet<string>>(new Set());
  /** Nodes the shown run did not compute because it had no need to. */
  readonly spared = new Observable<ReadonlySet<string>>(new Set());
  /** A run was asked for and not answered yet. */
  readonly starting = new Observable(false);
  /** What waits on the server, as it told last. */
  readonly queue = new Observable<QueueSummary>(emptyQueueSummary);
  /** Runs that were asked to stop. */
  readonly cancelling = new Observable<ReadonlySet<string>>(new Set());
  /** The canvas, while it is on the page. */
  readonly view = new Observable<GraphView | undefined>(undefined);
  /** Said aloud by screen readers. */
  readonly announcement = new Observable('');
  #events: EventConnection | undefined;

  constructor(options: { client?: ReelgraphClient; workflow?: Workflow; drafts?: DraftDrawer } = {}) {
    this.client = options.client ?? createClient({ baseUrl: '' });
    this.drafts = options.drafts ?? new DraftDrawer(browserStorage(), browserStorage('sessionStorage'));
    this.document = new DocumentStore(options.workflow ?? emptyWorkflow());
    this.document.onChange(({ workflowNumber, previousNumber }) => {
      if (workflowNumber !== previousNumber) this.#changeWorkflow(previousNumber, workflowNumber);
    });
    this.document.subscribe(() => this.selection.prune(this.document.get()));
    const findStale = (): void => {
      const ran = this.ranWorkflow.get();
      const stale = ran ? staleNodes(this.document.get(), ran) : new Set<string>();
      if (stale.size > 0 || this.stale.get().size > 0) this.stale.set(stale);
    };
    const findSpared = (): void => {
      const run = this.runs.shown.get();
      const spared = run ? sparedNodes(run, this.document.get().edges) : new Set<string>();
      if (spared.size > 0 || this.spared.get().size > 0) this.spared.set(spared);
    };
    this.runs.shown.subscribe(findSpared);
    this.document.subscribe(findStale);
    this.ranWorkflow.subscribe(findStale);
    this.runs.shownId.subscribe(() => this.ranWorkflow.set(this.#ranBy.get(this.runs.shownId.get() ?? '')));
  }

  #changeWorkflow(from: number, to: number): void {
    this.#setAside.set(from, { savedAs: this.savedAs.get(), runId: this.runs.shownId.get() });
    const back = this.#setAside.get(to);
    this.savedAs.set(back?.savedAs);
    // None in between: nodes of the two workflows may share ids, their pictures must not.
    this.runs.show(undefined);
    this.runs.show(back?.runId);
  }

  /** Notes under which id a workflow was saved, also when another one is shown by the time the server answers. */
  keepSavedAs(workflowNumber: number, id: string): void {
    if (workflowNumber === this.document.workflowNumber) this.savedAs.set(id);
    else
      this.#setAside.set(workflowNumber, {
        runId: undefined,
        ...this.#setAside.get(workflowNumber),
        savedAs: id,
      });
  }

  /** Keeps what a run executed, to tell later which of its results still hold. */
  rememberRun(runId: string, workflow: Workflow): void {
    this.#ranBy.set(runId, workflow);
    if (runId === this.runs.shownId.get()) this.ranWorkflow.set(workflow);
  }

  /** The workflow that a run executed, where that is known here. */
  ranBy(runId: string): Workflow | undefined {
    return this.#ranBy.get(runId);
  }

  /** Loads what the server offers. Called again after the connection was lost: the server may be another one. */
  async loadOffers(): Promise<void> {
    const [types, models, workflows] = await Promise.all([
      this.client.listNodeTypes(),
      this.client.listModels(),
      this.client.listWorkflows(),
    ]);
    this.catalogue.set(catalogueOf(types));
    this.models.set(models);
    this.workflows.set(workflows);
  }

  connect(): void {
    let before: string | undefined;
    this.#events = this.client.connectEvents({
      onWelcome: (welcome) => {
        this.runs.welcome(welcome.runs, welcome.previews);
        if (before === 'lost') void this.loadOffers().catch(() => undefined);
        before = 'open';
      },
      onEvent: ({ event }) => this.runs.event(event),
      onPreview: (preview) => this.runs.preview(preview),
      onQueue: (queue) => this.queue.set(queue),
      onProblem: (code, message) => {
        console.warn(code, message);
        this.notices.add({ tone: 'bad', text: message });
      },
      onStatus: (status, detail) => {
        if (before === 'open' && status === 'connecting') before = 'lost';
        this.connection.set({ status, detail });
      },
    });
  }

  /** Plays a node on the server; undefined while there is no connection. */
  openLive(options: OpenLiveOptions): LiveSession | undefined {
    return this.#events?.openLive(options);
  }

  disconnect(): void {
    this.#events?.close();
    this.#events = undefined;
  }
}
