import { isDeepStrictEqual } from 'node:util';
import type { Operation, ThreadRows } from './history.js';
import { answeredIds, decide, expectedRows, isCausedBy, statesOf, type ThreadCommit } from './thread-history.js';

/** What a run left behind. */
export interface Evidence {
  readonly operations: readonly Operation[];
  /** The journal: each thread's commits, in order. */
  readonly journal: ReadonlyMap<string, readonly ThreadCommit[]>;
  /** The read model, once it has had the time to catch up. */
  readonly rows: ReadonlyMap<string, ThreadRows>;
  /** Threads whose journal cannot be read, and why; what could be read before is in `journal`. @default none */
  readonly unreadable?: ReadonlyMap<string, string>;
  /** The times in commits are of clocks that jumped, and say nothing. @default false */
  readonly hasWrongClocks?: boolean;
}

/**
 * - `LOST`: acknowledged, and not in the journal.
 * - `APPLIED_TWICE`: two commits of one request.
 * - `VERSION_GAP`: a thread's versions are not 1, 2, 3 …
 * - `UNREADABLE`: a thread's journal is broken.
 * - `UNKNOWN_COMMAND`: a commit that nobody asked for, or of another thread, account or kind than was asked.
 * - `IMPOSSIBLE_COMMIT`: the command does not cause these events at this version.
 * - `WRONG_ANSWER`: an answer whose thread, version or ids are not those of the commit.
 * - `OUT_OF_ORDER`: sent after another was acknowledged, and yet before it in the thread's history.
 * - `UNEXPLAINED_REJECTION`: no state that the thread can have been in at the time causes it.
 * - `REJECTED_YET_APPLIED`: rejected, and yet in the journal.
 * - `READ_MODEL`: MySQL shows something else than the journal.
 * - `UNEXPECTED_ANSWER`: one that no client should get.
 * - `UNANSWERED`: a thread that answered nobody for too long; see outages.ts.
 */
export type ViolationKind =
  | 'LOST'
  | 'APPLIED_TWICE'
  | 'VERSION_GAP'
  | 'UNREADABLE'
  | 'UNKNOWN_COMMAND'
  | 'IMPOSSIBLE_COMMIT'
  | 'WRONG_ANSWER'
  | 'OUT_OF_ORDER'
  | 'UNEXPLAINED_REJECTION'
  | 'REJECTED_YET_APPLIED'
  | 'READ_MODEL'
  | 'UNEXPECTED_ANSWER'
  | 'UNANSWERED';

/** A broken promise. */
export interface Violation {
  readonly kind: ViolationKind;
  readonly threadId?: string | undefined;
  readonly requestId?: string | undefined;
  readonly detail: string;
}

/** Everything in the evidence that breaks a promise; empty when all is well. */
export function checkHistory(evidence: Evidence): Violation[] {
  const { operations, journal, hasWrongClocks = false } = evidence;
  const askedAt = new Map<string, number>();
  for (const { requestId, invokedAt } of operations) {
    askedAt.set(requestId, Math.min(invokedAt, askedAt.get(requestId) ?? Infinity));
  }
  const madeAt: MadeAt = hasWrongClocks ? ({ requestId }) => askedAt.get(requestId) ?? 0 : ({ time }) => time;
  const commits = commitsByRequest(journal);
  return [
    ...checkJournal(evidence, commits),
    ...operations.flatMap((operation) => [...checkOutcome(operation, commits.get(operation.requestId) ?? [])]),
    ...[...operationsByThread(operations, commits)].flatMap(([threadId, those]) => [
      ...checkOrder(threadId, those, commits),
      ...checkRejections(threadId, those, journal.get(threadId) ?? [], commits, madeAt),
    ]),
    ...checkReadModel(evidence),
  ];
}

/** When a commit was made, epoch milliseconds, at the earliest. */
type MadeAt = (commit: ThreadCommit) => number;

type CommitsByRequest = ReadonlyMap<string, readonly ThreadCommit[]>;

function commitsByRequest(journal: Evidence['journal']): CommitsByRequest {
  const found = new Map<string, ThreadCommit[]>();
  for (const commit of [...journal.values()].flat()) {
    const those = found.get(commit.requestId);
    if (those === undefined) found.set(commit.requestId, [commit]);
    else those.push(commit);
  }
  return found;
}

/** Stands for the thread of a creation that made none. */
const NOWHERE = '';

/** An operation belongs to the thread that it names, or has made. */
function operationsByThread(operations: readonly Operation[], commits: CommitsByRequest): Map<string, Operation[]> {
  const found = new Map<string, Operation[]>();
  for (const operation of operations) {
    const threadId = operation.threadId ?? commits.get(operation.requestId)?.[0]?.threadId ?? NOWHERE;
    const those = found.get(threadId);
    if (those === undefined) found.set(threadId, [operation]);
    else those.push(operation);
  }
  return found;
}

/** Versions, and each commit: asked for, once, and what the command causes there. */
function* checkJournal(
  { operations, journal, unreadable = new Map() }: Evidence,
  commits: CommitsByRequest,
): Iterable<Violation> {
  for (const [threadId, detail] of unreadable) yield { kind: 'UNREADABLE', threadId, detail };
  const asked = new Map(operations.map((operation) => [operation.requestId, operation]));
  for (const [threadId, history] of journal) {
    const states = statesOf(history);
    for (const [index, commit] of history.entries()) {
      const { version, requestId, commandId } = commit;
      if (version !== index + 1) {
        yield { kind: 'VERSION_GAP', threadId, requestId, detail: `version ${version} is number ${index + 1}` };
      }
      const operation = asked.get(requestId);
      const isAsked = operation !== undefined && commandId.startsWith(`${operation.accountId}/`);
      if (!isAsked || (operation.threadId ?? threadId) !== threadId) {
        yield { kind: 'UNKNOWN_COMMAND', threadId, requestId, detail: `version ${version}: ${commandId}` };
        continue;
      }
      const before = states[index];
      if (before === undefined || !isCausedBy(commit, operation, before)) {
        const detail = `version ${version}: ${JSON.stringify(operation.intent)} led to ${JSON.stringify(commit.events)}`;
        yield { kind: 'IMPOSSIBLE_COMMIT', threadId, requestId, detail };
      }
    }
  }
  for (const [requestId, those] of commits) {
    if (those.length < 2) continue;
    const detail = those.map((commit) => `${commit.threadId} version ${commit.version}`).join(', ');
    yield { kind: 'APPLIED_TWICE', threadId: those[0]?.threadId, requestId, detail };
  }
}

/** The answer against the commit with its request id. */
function* checkOutcome(operation: Operation, commits: readonly ThreadCommit[]): Iterable<Violation> {
  const { requestId, threadId, outcome } = operation;
  const [commit] = commits;
  const about = { threadId, requestId };
  switch (outcome.kind) {
    case 'acknowledged': {
      if (commit === undefined) {
        yield { kind: 'LOST', ...about, detail: JSON.stringify(outcome) };
        return;
      }
      // What an API does not tell cannot be wrong.
      const told = { threadId: outcome.threadId, version: outcome.version, ids: outcome.ids };
      const right = {
        threadId: told.threadId === undefined ? undefined : commit.threadId,
        version: told.version === undefined ? undefined : commit.version,
        ids: told.ids === undefined ? undefined : answeredIds(operation, commit),
      };
      if (!isDeepStrictEqual(told, right)) {
        const detail = `told ${JSON.stringify(told)}, in the journal ${JSON.stringify(right)}`;
        yield { kind: 'WRONG_ANSWER', ...about, detail };
      }
      return;
    }
    case 'rejected':
      if (commit === undefined) return;
      yield { kind: 'REJECTED_YET_APPLIED', ...about, detail: `${outcome.reason}, yet version ${commit.version}` };
      return;
    case 'unexpected':
      yield { kind: 'UNEXPECTED_ANSWER', ...about, detail: outcome.reason };
      return;
    case 'unknown':
      return;
  }
}

/** Acknowledgements of one thread in the order of their arrival: the highest version known at a time. */
class KnownVersions {
  readonly #arrivals: { readonly at: number; readonly version: number }[] = [];

  constructor(operations: readonly Operation[], commits: CommitsByRequest) {
    const acknowledged = operations
      .filter(({ outcome }) => outcome.kind === 'acknowledged')
      .map(({ requestId, completedAt }) => ({ at: completedAt, version: commits.get(requestId)?.[0]?.version ?? 0 }))
      .sort((one, other) => one.at - other.at);
    let highest = 0;
    for (const { at, version } of acknowledged) {
      highest = Math.max(highest, version);
      this.#arrivals.push({ at, version: highest });
    }
  }

  /** Of those acknowledged strictly before, as clocks tell milliseconds; 0 when there are none. */
  before(time: number): number {
    let [low, high] = [0, this.#arrivals.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#arrivals[middle]?.at ?? 0) < time) low = middle + 1;
      else high = middle;
    }
    return this.#arrivals[low - 1]?.version ?? 0;
  }
}

/** Whatever was sent after an acknowledgement lies behind it, be it acknowledged itself or not. */
function* checkOrder(
  threadId: string,
  operations: readonly Operation[],
  commits: CommitsByRequest,
): Iterable<Violation> {
  const known = new KnownVersions(operations, commits);
  for (const { requestId, isRepeat, invokedAt } of operations) {
    // A repeat gets the first answer, with the version of then.
    const version = isRepeat ? undefined : commits.get(requestId)?.[0]?.version;
    const earlier = known.before(invokedAt);
    if (version === undefined || version > earlier) continue;
    const detail = `version ${version}, sent after version ${earlier} was acknowledged`;
    yield { kind: 'OUT_OF_ORDER', threadId, requestId, detail };
  }
}

/** A rejection must follow from a state that the thread was in between its invocation and its answer. */
function* checkRejections(
  threadId: string,
  operations: readonly Operation[],
  history: readonly ThreadCommit[],
  commits: CommitsByRequest,
  madeAt: MadeAt,
): Iterable<Violation> {
  const known = new KnownVersions(operations, commits);
  const states = statesOf(history);
  for (const operation of operations) {
    const { requestId, outcome, invokedAt, completedAt, api } = operation;
    if (outcome.kind !== 'rejected') continue;
    const from = known.before(invokedAt);
    // What was decided later than the answer cannot have been its reason.
    const to = history.findLastIndex((commit) => madeAt(commit) <= completedAt) + 1;
    const isExplained = states.slice(from, Math.max(from, to) + 1).some((state) => {
      const decided = decide(operation, state);
      return decided.kind === 'rejected' && decided.reasons[api === 'grpc' ? 0 : 1] === outcome.reason;
    });
    if (isExplained) continue;
    const detail = `${operation.intent.type} was rejected: ${outcome.reason}; no version from ${from} to ${to} explains it`;
    yield { kind: 'UNEXPLAINED_REJECTION', threadId, requestId, detail };
  }
}

function* checkReadModel({ journal, rows }: Evidence): Iterable<Violation> {
  for (const [threadId, history] of journal) {
    if (history.length === 0) continue;
    const actual = rows.get(threadId);
    if (history[0]?.events[0]?.type !== 'ThreadCreated') continue;
    const expected = expectedRows(history);
    if (actual === undefined) {
      yield { kind: 'READ_MODEL', threadId, detail: 'the thread is not there' };
      continue;
    }
    for (const key of Object.keys(expected) as (keyof ThreadRows)[]) {
      const [right, shown] = [comparable(key, expected), comparable(key, actual)];
      if (isDeepStrictEqual(right, shown)) continue;
      const detail = `${key}: ${JSON.stringify(shown).slice(0, 300)}, by the journal ${JSON.stringify(right).slice(0, 300)}`;
      yield { kind: 'READ_MODEL', threadId, detail };
    }
  }
  for (const threadId of rows.keys()) {
    if (!journal.has(threadId)) yield { kind: 'READ_MODEL', threadId, detail: 'the journal has no such thread' };
  }
}

/** Only messages are in an order. */
function comparable(key: keyof ThreadRows, rows: ThreadRows): unknown {
  const value = rows[key];
  return Array.isArray(value) && key !== 'messages' ? [...(value as string[])].sort() : value;
}
