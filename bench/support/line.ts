/** What `npm run bench` was told. */
export interface RunOptions {
  /** Operations a round. @default each line's own */
  readonly count: number | undefined;
  /** Rounds that count, behind one that warms up. @default each line's own */
  readonly rounds: number | undefined;
}

/** A line of the table of performance: something measured beside its reference in the same run. */
export interface Line {
  /** For `--only`. */
  readonly name: string;
  readonly about: string;
  run(options: RunOptions): Promise<LineResult>;
}

/** A row of a line's table; missing cells are shown empty. */
export type Row = Readonly<Record<string, string | number>>;

/** What was promised, and what was reached. */
export interface Verdict {
  readonly what: string;
  /** Such as "throughput ÷ bare". */
  readonly measure: string;
  /** `atLeast` or `atMost` is the target. */
  readonly atLeast?: number;
  readonly atMost?: number;
  readonly reached: number;
  /** @default '' */
  readonly unit?: string;
}

/** What a line gives for docs/performance.md. */
export interface LineResult {
  /** A heading. */
  readonly title: string;
  /** How it was measured: one paragraph. */
  readonly how: string;
  readonly tables: readonly { readonly caption?: string; readonly rows: readonly Row[] }[];
  readonly verdicts: readonly Verdict[];
  /** What the figures mean, or what limits them: paragraphs. @default none */
  readonly notes?: readonly string[];
}

export function isMet({ atLeast, atMost, reached }: Verdict): boolean {
  return (atLeast === undefined || reached >= atLeast) && (atMost === undefined || reached <= atMost);
}
