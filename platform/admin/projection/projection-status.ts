import { setTimeout as delay } from 'node:timers/promises';
import type { PartitionStatus, ProjectionOperations } from '../../mysql/projection-operations.js';
import { namespaceOf, type ProjectionIdentity } from '../../mysql/projection-namespace.js';
import { feedBacklog } from '../../nats/feed-backlog.js';
import { ensureFeedStream, type FeedStreamOptions } from '../../nats/feed-stream.js';
import type { NatsLink } from '../../nats/nats-link.js';
import { readMembership } from '../../nats/read-membership.js';
import { feedPartitionsOf } from '../../projection/projection-partition.js';
import { alignedLines } from '../command-line/aligned-lines.js';
import { projectionPrefixOf } from '../../projection/projection-prefix.js';

/** One line of the status. */
export interface PartitionLine {
  readonly partition: number;
  /** Where its projector runs; null when none does. */
  readonly owner: string | null;
  readonly state: 'running' | 'paused' | 'rebuilding' | 'no projector';
  /** The last sequence of the feed that is projected. */
  readonly position: number;
  /** Commits in the feed that are not. */
  readonly lagCommits: number;
  /** How long the oldest of them has been there. */
  readonly lagMs: number;
  readonly commitsPerSecond: number;
  readonly parkedAggregates: number;
  /** The same by its older name, for scripts that read it. */
  readonly parkedThreads: number;
  readonly parkedCommits: number;
}

export interface ProjectionStatus {
  readonly partitions: readonly PartitionLine[];
  /** The feed is another one than was read last: what the old one had is looked for in the journal. */
  readonly isNewFeed: boolean;
}

export interface StatusSources {
  readonly projection: ProjectionIdentity;
  readonly operations: ProjectionOperations;
  readonly link: NatsLink;
  readonly feed: FeedStreamOptions;
  readonly feedPartitions: number;
}

/** The rate is measured over so long, in milliseconds. */
const RATE_MS = 1_000;

export async function readStatus({
  projection,
  operations,
  link,
  feed,
  feedPartitions,
}: StatusSources): Promise<ProjectionStatus> {
  const before = new Map((await operations.partitions()).map((row) => [row.partition, row.projectedCommits]));
  const startedAt = performance.now();
  const [{ members, assignment }] = await Promise.all([
    readMembership(link, projectionPrefixOf(feed.prefix, namespaceOf(projection))),
    delay(RATE_MS),
  ]);
  const rows = await operations.partitions();
  const seconds = (performance.now() - startedAt) / 1_000;
  const { created } = await ensureFeedStream(link, feed);

  const lineOf = async (row: PartitionStatus): Promise<PartitionLine> => {
    const { partition, partitions: count, sequence, feedIdentity } = row;
    const member = members.get(assignment?.primaries[partition] ?? '');
    const known = feedIdentity === created ? sequence : 0;
    const own = feedPartitionsOf(partition, { feedPartitions, count });
    const { commits, oldestAt } = await feedBacklog(link, feed, own, known);
    return {
      partition,
      owner: member?.address ?? null,
      state: stateOf(row, member !== undefined),
      position: known,
      lagCommits: commits,
      lagMs: oldestAt === undefined ? 0 : Math.max(0, Date.now() - oldestAt),
      commitsPerSecond: (row.projectedCommits - (before.get(partition) ?? 0)) / seconds,
      parkedAggregates: row.parkedAggregates,
      parkedThreads: row.parkedAggregates,
      parkedCommits: row.parkedCommits,
    };
  };
  return {
    partitions: await Promise.all(rows.map(lineOf)),
    isNewFeed: rows.some(({ feedIdentity }) => feedIdentity !== '' && feedIdentity !== created),
  };
}

function stateOf({ isPaused, pausedBy }: PartitionStatus, hasOwner: boolean): PartitionLine['state'] {
  if (isPaused) return pausedBy === 'rebuild' ? 'rebuilding' : 'paused';
  return hasOwner ? 'running' : 'no projector';
}

const columnsOf = (noun: string): readonly (readonly [string, (line: PartitionLine) => string | number])[] => [
  ['PARTITION', ({ partition }) => partition],
  ['OWNER', ({ owner }) => owner ?? '-'],
  ['STATE', ({ state }) => state],
  ['POSITION', ({ position }) => position],
  ['LAG COMMITS', ({ lagCommits }) => lagCommits],
  ['LAG MS', ({ lagMs }) => lagMs],
  ['COMMITS/S', ({ commitsPerSecond }) => commitsPerSecond.toFixed(1)],
  [`PARKED ${noun.toUpperCase()}S`, ({ parkedAggregates }) => parkedAggregates],
  ['PARKED COMMITS', ({ parkedCommits }) => parkedCommits],
];

/** For a person: a table, a line for the whole, and what to know. `noun`: what an aggregate is called. */
export function statusTable({ partitions, isNewFeed }: ProjectionStatus, noun: string): string {
  if (partitions.length === 0) return 'no projector has ever run here';
  const sum = (number: (line: PartitionLine) => number): number =>
    partitions.reduce((total, line) => total + number(line), 0);
  const states = new Set(partitions.map(({ state }) => state));
  const columns = columnsOf(noun);
  const rows = [
    columns.map(([name]) => name),
    ...partitions.map((line) => columns.map(([, cell]) => String(cell(line)))),
    [
      'total',
      `${new Set(partitions.map(({ owner }) => owner).filter((owner) => owner !== null)).size} projectors`,
      states.size === 1 ? [...states].join('') : 'mixed',
      '',
      String(sum(({ lagCommits }) => lagCommits)),
      String(Math.max(...partitions.map(({ lagMs }) => lagMs))),
      sum(({ commitsPerSecond }) => commitsPerSecond).toFixed(1),
      String(sum(({ parkedAggregates }) => parkedAggregates)),
      String(sum(({ parkedCommits }) => parkedCommits)),
    ],
  ];
  const notes = isNewFeed
    ? ['', 'The feed is a new one: what the old one had and was not projected, projectors find in the journal.']
    : [];
  return [...alignedLines(rows), ...notes].join('\n');
}
