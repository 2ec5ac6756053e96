import { toError } from '../kernel/fault.js';
import type { Commit, Journal } from '../journal/journal.js';
import type { ParkedAggregate, ParkedAggregates } from './parked-aggregates.js';
import { isPassing } from './projection-writer.js';

/** What became of it: `live` again, or still `parked` from a version on. */
export type RetryOutcome =
  | { readonly kind: 'live'; readonly version: number }
  | { readonly kind: 'parked'; readonly version: number; readonly error: Error }
  /** It has no dead letters. */
  | { readonly kind: 'not-parked' };

export interface RetryOptions {
  readonly parked: ParkedAggregates;
  readonly journal: Pick<Journal, 'read'>;
  /** Which parked commits are projected as ones without events. @default none */
  readonly giveUp?: 'none' | 'first' | 'all';
}

/** Commits in one transaction at most. */
const CHUNK = 500;

/**
 * Projects an aggregate's dead letters from the journal, in order, until there are none; it is live again then.
 * @throws Error for which `isPassing` holds; what was projected stays so
 */
export async function retryParked(
  aggregateId: string,
  { parked, journal, giveUp = 'none' }: RetryOptions,
): Promise<RetryOutcome> {
  let toGiveUp = giveUp;
  for (let isFirst = true; ; isFirst = false) {
    const [letters] = await parked.list(aggregateId);
    const version = await parked.versionOf(aggregateId);
    if (letters === undefined) return isFirst ? { kind: 'not-parked' } : { kind: 'live', version };
    if (toGiveUp !== 'none' && version === 0) {
      const error = new Error('it is the commit that creates it: without it there is nothing that others could follow');
      return { kind: 'parked', version: 1, error };
    }
    const last = toGiveUp === 'all' ? Math.min(letters.lastVersion, version + CHUNK) : version + 1;
    if (letters.lastVersion <= version) {
      await parked.project(letters, version, []);
    } else if (toGiveUp !== 'none') {
      const empty = Array.from({ length: last - version }, (_, index) => emptyCommit(letters, version + index + 1));
      if ((await parked.project(letters, version, empty)) && toGiveUp === 'first') toGiveUp = 'none';
    } else {
      const failed = await retryOnce(letters, version, parked, journal);
      if (failed !== undefined) return { kind: 'parked', ...failed };
    }
  }
}

/** One piece of its history. @returns what failed */
async function retryOnce(
  letters: ParkedAggregate,
  version: number,
  parked: ParkedAggregates,
  journal: Pick<Journal, 'read'>,
): Promise<{ version: number; error: Error } | undefined> {
  const commits: Commit[] = [];
  let unreadable: Error | undefined;
  try {
    for await (const commit of journal.read(letters.aggregateId, version + 1)) {
      if (commit.version !== version + 1 + commits.length) break;
      commits.push(commit);
      if (commits.length === CHUNK) break;
    }
  } catch (error) {
    if (isPassing(error)) throw error;
    unreadable = toError(error);
  }
  if (commits.length === 0) {
    const error = unreadable ?? new Error('the journal does not have this version');
    await parked.fail(letters, version + 1, error);
    return { version: version + 1, error };
  }
  try {
    await parked.project(letters, version, commits);
    return undefined;
  } catch (error) {
    if (isPassing(error)) throw error;
  }
  for (const commit of commits) {
    try {
      if (!(await parked.project(letters, commit.version - 1, [commit]))) return undefined;
    } catch (thrown) {
      if (isPassing(thrown)) throw thrown;
      const error = toError(thrown);
      await parked.fail(letters, commit.version, error);
      return { version: commit.version, error };
    }
  }
  return undefined;
}

function emptyCommit({ aggregateId, commandType }: ParkedAggregate, version: number): Commit {
  const trace = { requestId: '', traceparent: '' };
  return { aggregateId, version, commandId: '', fingerprint: '', commandType, time: Date.now(), trace, events: [] };
}
