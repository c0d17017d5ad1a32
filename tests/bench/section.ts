/** One figure as a line of the report. */
export interface Figure {
  readonly name: string;
  /** With its unit, rounded for reading. */
  readonly value: string;
  /** What was asked for, for example `≤ 1.05`. */
  readonly wanted?: string;
  readonly met?: boolean;
}

/** What the command line asks of a section; each takes what concerns it. */
export interface BenchOptions {
  /** Fewer cases than usual. */
  readonly count?: number;
  /** Variant of the model. */
  readonly variant?: string;
  /** Number format of the model, where a section offers several. */
  readonly precision?: string;
  /** Only this part of a section. */
  readonly only?: string;
  /** A folder for what was made. */
  readonly out?: string;
}

/** A part of the bench: measures and reports figures as it goes. */
export type BenchSection = (report: (figure: Figure) => void, options: BenchOptions) => Promise<void>;

/** The middle of an odd or even number of values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
