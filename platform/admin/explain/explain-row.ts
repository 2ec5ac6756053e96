import { toError } from '../../kernel/fault.js';
import type { Commit, Journal } from '../../journal/journal.js';
import { traceIdOf } from '../../journal/trace-context.js';
import type { ExplainedRows, ExplainedTable } from '../../mysql/explained-rows.js';

/** What has made a row, or changed it. */
export interface RowCause {
  readonly version: number;
  /** When it was decided, epoch milliseconds. */
  readonly time: number;
  readonly commandType: string;
  readonly commandId: string;
  /** Null when the events do not say. */
  readonly caller: string | null;
  readonly requestId: string;
  readonly traceId: string;
  readonly eventTypes: readonly string[];
  /** Columns that it has set, or that it has removed the row. */
  readonly effect: readonly string[] | 'removes';
}

/** Where a row comes from, by the journal. */
export interface RowExplanation {
  /** Of the aggregate, in the journal; 0: it has no history. */
  readonly journalVersion: number;
  /** All that the read model has taken in of what concerns the row, in order. */
  readonly history: readonly RowCause[];
  /** What it has not taken in yet. */
  readonly pending: readonly RowCause[];
  /** Commits that say nothing here, because nobody can read them; they may concern the row. */
  readonly unreadable: readonly { readonly version: number; readonly error: string }[];
  /** Which versions the row's columns, as they are shown, are of. Empty when no such row is shown. */
  readonly columns: Readonly<Record<string, number>>;
}

/**
 * Reads the history of a row's aggregate.
 * @param shownVersion up to which the read model has it
 * @throws JournalUnavailable
 */
export async function explainRow(
  journal: Pick<Journal, 'read'>,
  { effectOf }: ExplainedTable,
  { callerOf }: ExplainedRows,
  key: readonly [string, ...string[]],
  shownVersion: number,
): Promise<RowExplanation> {
  let journalVersion = 0;
  const history: RowCause[] = [];
  const pending: RowCause[] = [];
  const unreadable: { version: number; error: string }[] = [];
  let columns: Record<string, number> = {};
  for await (const commit of journal.read(key[0], 1)) {
    journalVersion = commit.version;
    const isShown = commit.version <= shownVersion;
    let effect: RowCause['effect'];
    try {
      effect = effectOf(commit, key);
      if (effect.length === 0) continue;
      (isShown ? history : pending).push(causeOf(commit, effect, callerOf(commit)));
    } catch (thrown) {
      unreadable.push({ version: commit.version, error: toError(thrown).message });
      continue;
    }
    if (!isShown) continue;
    if (effect === 'removes') columns = {};
    else for (const column of effect) columns[column] = commit.version;
  }
  return { journalVersion, history, pending, unreadable, columns };
}

function causeOf(commit: Commit, effect: RowCause['effect'], caller: string | undefined): RowCause {
  const { version, time, commandType, commandId, trace, events } = commit;
  return {
    ...{ version, time, commandType, commandId, caller: caller ?? null },
    ...{ requestId: trace.requestId, traceId: traceIdOf(trace) },
    ...{ eventTypes: events.map(({ type }) => type), effect },
  };
}
