/** A line of the fault run's table. */
export interface FaultRow {
  /** What was done to the system: `a byte of a blob changed`. */
  readonly fault: string;
  readonly cases: number;
  /** What became of them, in a few words: `1,000 found, 0 wrong outputs`. */
  readonly outcome: string;
  readonly wanted: string;
  readonly met: boolean;
}

export interface FaultOptions {
  /** What happens follows from it alone. */
  readonly seed: number;
  /** Cases of a piece; its own number when absent. */
  readonly count?: number;
  /** What is being tried now, for who waits for a line of the table. */
  readonly progress?: (text: string) => void;
}

/** One kind of fault: a file in this folder whose default export does it and reports its lines. */
export type FaultPiece = (report: (row: FaultRow) => void, options: FaultOptions) => Promise<void>;
