import { partitionOf } from '../ownership/partition.js';

/** How an installation deals its aggregates out to projectors. */
export interface ProjectionPartitions {
  /** Partitions of the feed, which has a subject for each. */
  readonly feedPartitions: number;
  /** Partitions of the projection, at most as many: each is projected by one projector at a time. */
  readonly count: number;
}

/** The projection's partition, from 0, that an aggregate belongs to. */
export function projectionPartitionOf(aggregateId: string, { feedPartitions, count }: ProjectionPartitions): number {
  return partitionOf(aggregateId, feedPartitions) % count;
}

/** The feed's partitions that make up one of the projection. */
export function feedPartitionsOf(partition: number, { feedPartitions, count }: ProjectionPartitions): number[] {
  return Array.from({ length: feedPartitions }, (_, index) => index).filter((index) => index % count === partition);
}
