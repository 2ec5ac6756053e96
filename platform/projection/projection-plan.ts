import type { Commit } from '../journal/journal.js';
import type { FeedBounds } from '../journal/feed.js';
import type { FeedPosition } from './projection-store.js';

/** What a batch of the feed means for a read model that has these versions. */
export interface BatchPlan {
  /** Not applied yet, ascending and without gaps within each aggregate. */
  readonly ready: readonly Commit[];
  /** Aggregates whose copies are missing below one that is there. */
  readonly gaps: readonly FeedGap[];
}

export interface FeedGap {
  readonly aggregateId: string;
  /** The first version that is missing. */
  readonly missingVersion: number;
  /** The first version behind it that the batch has. */
  readonly nextVersion: number;
}

/**
 * Sorts a batch: drops what is applied already or comes twice, puts versions in order, finds gaps. What lies behind an
 * aggregate's gap is not ready.
 */
export function planBatch(commits: readonly Commit[], known: ReadonlyMap<string, number>): BatchPlan {
  const ready: Commit[] = [];
  const gaps: FeedGap[] = [];
  for (const own of groupByAggregate(commits)) {
    const { aggregateId } = own[0];
    let version = known.get(aggregateId) ?? 0;
    for (const commit of own.toSorted((left, right) => left.version - right.version)) {
      if (commit.version <= version) continue;
      if (commit.version > version + 1) {
        gaps.push({ aggregateId, missingVersion: version + 1, nextVersion: commit.version });
        break;
      }
      ready.push(commit);
      version = commit.version;
    }
  }
  return { ready, gaps };
}

/** The commits of each aggregate, in their order; none is empty. */
export function groupByAggregate(commits: readonly Commit[]): [Commit, ...Commit[]][] {
  const groups = new Map<string, [Commit, ...Commit[]]>();
  for (const commit of commits) {
    const group = groups.get(commit.aggregateId);
    if (group) group.push(commit);
    else groups.set(commit.aggregateId, [commit]);
  }
  return [...groups.values()];
}

/** Where to go on in a feed, and why that is not simply behind the checkpoint. */
export interface FeedStart {
  readonly afterSequence: number;
  /** The feed has not, or no more, all that was to be read: the journal must be asked. */
  readonly lost?: 'new feed' | 'checkpoint beyond the feed' | 'feed trimmed';
}

export function feedStartOf(position: FeedPosition, bounds: FeedBounds): FeedStart {
  const beginning = Math.max(0, bounds.firstSequence - 1);
  if (position.feedIdentity !== bounds.identity) return { afterSequence: beginning, lost: 'new feed' };
  if (position.sequence > bounds.lastSequence) return { afterSequence: beginning, lost: 'checkpoint beyond the feed' };
  if (position.sequence < beginning) return { afterSequence: beginning, lost: 'feed trimmed' };
  return { afterSequence: position.sequence };
}
