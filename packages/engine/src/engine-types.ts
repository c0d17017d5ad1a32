/** What the engine is given and what it gives back. */
import type { OutputSummary, RunError, RunEvent, Workflow } from '@reelgraph/graph';
import type {
  FrameService,
  InferContext,
  InputFiles,
  MediaService,
  ModelService,
  NodeRegistry,
} from '@reelgraph/node-api';
import type { Store } from '@reelgraph/store';
import type { Tensor } from '@reelgraph/tensor';

/** A picture of work in progress, encoded and ready to show; matches the protocol's preview without naming it. */
export interface EncodedPreview {
  readonly mediaType: string;
  /** Tiles side by side in the one image. */
  readonly frameCount: number;
  /** Of one tile. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** The image, base64. */
  readonly data: string;
}

export interface EnginePreview extends EncodedPreview {
  readonly runId: string;
  readonly nodeId: string;
  readonly step: number;
  readonly fps: number;
}

/** Time as the engine reads it; tests bring their own. */
export interface Clock {
  /** Milliseconds since 1970, for what people read. */
  now(): number;
  /** Milliseconds that only go forward, for durations. */
  elapsed(): number;
}

/** Input files, and what tells their contents apart. */
export interface DigestedFiles extends InputFiles {
  /** SHA-256 of a file's bytes, lower-case hex. @throws NodeError 'file/not-found' | 'file/too-large' */
  digest(name: string): Promise<string>;
}

export interface EngineOptions {
  readonly registry: NodeRegistry;
  /** Results on disk; without one only memory caches. */
  readonly store?: Store;
  readonly models: ModelService;
  readonly media: MediaService;
  /** Reads and makes clips; without one all clips are whole in memory, and long videos are refused. */
  readonly frames?: FrameService;
  readonly files: DigestedFiles;
  /** Turns preview pixels [1, 3, T, H, W] in [-1, 1] into an image; without it nodes are not asked for any. */
  readonly encodePreview?: (pixels: Tensor<'float32'>) => Promise<EncodedPreview>;
  /** Results kept in memory between and during runs; 512 MiB unless given. */
  readonly memoryBytes?: number;
  /** Keeps the results on disk within a budget, looked at after each run that kept some; without it they only grow. */
  readonly disk?: {
    readonly bytes: number;
    /** Files that must stay, see `TrimRequest.pinned`. */
    readonly pinned: () => ReadonlySet<string> | undefined;
  };
  /** Device that inference with this model runs on; each has its lane. One lane for all when absent. */
  readonly deviceOf?: (modelName: string) => string;
  /** A node without a sign of life (progress, preview, checkpoint) for this long fails; 30 minutes unless given. */
  readonly stallMs?: number;
  /** Nodes of lane `cpu` that run at once; the number of cores unless given. */
  readonly cpuLanes?: number;
  readonly clock?: Clock;
  /** What is known of models and files, to note how much work a node had; without it sizes alone count. */
  readonly inferContext?: () => InferContext;
  /** Resident memory of the process now, bytes; that of the system unless given. */
  readonly residentBytes?: () => number;
}

export interface RunRequest {
  readonly runId: string;
  readonly workflow: Workflow;
  /** Node ids to compute; all output nodes and exposed outputs when absent. */
  readonly targets?: readonly string[];
  /** Aborting ends the run as `cancelled`; nodes are waited for, so a node that ignores it delays the end. */
  readonly signal?: AbortSignal;
  readonly onEvent: (event: RunEvent) => void;
  readonly onPreview?: (preview: EnginePreview) => void;
  /** Something the run went on in spite of: a result that could not be kept on a full disk. */
  readonly onWarning?: (warning: RunError & { readonly nodeId: string }) => void;
  /** `seq` of the first event; 1 unless given. A server that emitted `run.queued` itself passes 2. */
  readonly firstSeq?: number;
}

export interface RunResult {
  readonly status: 'succeeded' | 'partial' | 'failed' | 'cancelled';
  readonly durationMs: number;
  readonly error?: RunError;
  /** What the targets gave: flat node id -> port -> summary. */
  readonly outputs: ReadonlyMap<string, Readonly<Record<string, OutputSummary>>>;
  /** Outputs that the document exposes, by their exposed name. */
  readonly exposed: ReadonlyMap<string, OutputSummary>;
}

export interface Engine {
  /**
   * Runs what the targets need and is not cached. Never rejects for what a workflow or a node does: that is in
   * the events and the result. Rejects with the error of a listener that throws.
   */
  run(request: RunRequest): Promise<RunResult>;
  /** Forgets the results in memory; those on disk stay. */
  dropMemory(): void;
  /** Whether a node that was given up is still at something: its process is not as it was before. */
  hasStuckNodes(): boolean;
}
