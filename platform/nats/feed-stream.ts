import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig, type StreamInfo } from '@nats-io/jetstream';
import type { NatsLink } from './nats-link.js';
import { addStream, findStream } from './open-stream.js';

export interface FeedStreamOptions {
  /** Stands before the names of the stream and its subjects, such as `THREAD`. */
  readonly prefix: string;
  /** So many partitions have a subject each. @default 64 */
  readonly partitions?: number;
  /**
   * `memory` spares a flush to the disk for each commit; the feed is then empty when NATS restarts, and readers repair
   * from the journal. @default memory
   */
  readonly storage?: 'memory' | 'file';
  /** Above so many bytes the oldest copies go. @default 256 MiB */
  readonly maxBytes?: number;
  /** Copies of the stream in a cluster. @default 1 */
  readonly replicas?: number;
}

export const DEFAULT_PARTITIONS = 64;

export function feedStreamName({ prefix }: FeedStreamOptions): string {
  return `${prefix}_FEED`;
}

export function feedSubject({ prefix }: FeedStreamOptions, token: string): string {
  return `${prefix.toLowerCase()}.feed.${token}`;
}

/** Takeovers are announced on this token, commits on their partition's number. */
export const TAKEOVER_TOKEN = 'takeover';

/** The subjects of some of the feed's partitions, and of takeovers. */
export function feedFilterOf(options: FeedStreamOptions, partitions: readonly number[]): string[] {
  return [...partitions.map(String), TAKEOVER_TOKEN].map((token) => feedSubject(options, token));
}

/** Makes the feed's stream unless it is there. */
export async function ensureFeedStream(link: NatsLink, options: FeedStreamOptions): Promise<StreamInfo> {
  const name = feedStreamName(options);
  const found = await findStream(link, name);
  if (found !== undefined) return found;
  const config: Partial<StreamConfig> & { name: string } = {
    name,
    subjects: [feedSubject(options, '>')],
    storage: options.storage === 'file' ? StorageType.File : StorageType.Memory,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_bytes: options.maxBytes ?? 256 * 1024 * 1024,
    num_replicas: options.replicas ?? 1,
    duplicate_window: 120_000_000_000,
  };
  return addStream(link, config);
}
