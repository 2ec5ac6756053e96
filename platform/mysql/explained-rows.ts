import type { Commit } from '../journal/journal.js';

/** How an operator is told where a projection's rows come from. It must say the same as `ProjectedRows.apply` does. */
export interface ExplainedRows {
  /** Of each table that can be explained; no others. */
  readonly tables: Readonly<Record<string, ExplainedTable>>;
  /**
   * Who gave the command; undefined when its events do not say.
   * @throws Fault kind `data-loss` when they cannot be decoded
   */
  callerOf(commit: Commit): string | undefined;
}

export interface ExplainedTable {
  /** The columns that an operator names a row by. The first one is the id of the aggregate that the row comes from. */
  readonly key: readonly [string, ...string[]];
  /**
   * What one commit of that aggregate does to the row.
   * @param key values of the key's columns
   * @throws Fault kind `data-loss` when its events cannot be decoded
   */
  effectOf(commit: Commit, key: readonly string[]): RowEffect;
}

/** The columns that a commit sets, perhaps none, or that it takes the row away. */
export type RowEffect = readonly string[] | 'removes';
