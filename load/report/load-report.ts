import type { AssertionResult } from '../assertions.js';
import type { LoadResult } from '../engine/load-result.js';

/** A run and its verdict: what report.json holds. */
export interface LoadReport extends LoadResult {
  readonly assertions: readonly AssertionResult[];
}

/** The verdict in words. */
export type Verdict = 'passed' | 'failed' | 'interrupted';

/** An interrupted run has shown nothing; else every assertion must hold, the run be as asked, and something have succeeded. */
export function verdictOf({ isInterrupted, assertions, faults, total }: LoadReport): Verdict {
  if (isInterrupted) return 'interrupted';
  return faults.length === 0 && total.ok > 0 && assertions.every(({ isMet }) => isMet) ? 'passed' : 'failed';
}
