import { BucketedJournal, DEFAULT_BUCKETS } from './bucketed-journal.js';
import type { RawJournal } from './raw-journal.js';
import { StreamPerAggregateJournal } from './stream-per-aggregate-journal.js';
import type { NatsLink } from './nats-link.js';

/** How commits lie in JetStream: a stream per aggregate (`per-thread`), or streams that aggregates share. */
export const journalLayouts = ['per-thread', 'bucketed'] as const;
export type JournalLayout = (typeof journalLayouts)[number];

/** What the subjects of all commits in a layout begin with. */
export function subjectPrefixOf(prefix: string, layout: JournalLayout): string {
  return `${prefix.toLowerCase()}.${layout === 'bucketed' ? 'bucket' : 'journal'}.`;
}

export interface OpenJournalOptions {
  /** Stands before the names of streams and subjects, such as `THREAD`. */
  readonly prefix: string;
  /** @default per-thread */
  readonly layout?: JournalLayout;
  /** `bucketed`: how many streams there are. @default 16 */
  readonly buckets?: number;
  /** Copies of each stream in a cluster. @default 1 */
  readonly replicas?: number;
  /** `per-thread`: above so many streams on the server no new aggregate is begun. @default 10000 */
  readonly maxStreams?: number;
  /** `per-thread`: called at 80 % of `maxStreams`, and again for each further percent. @default nobody is told */
  onScarce?(streams: number, maxStreams: number): void;
}

/** The journal in the layout of the installation (installation-settings.ts sees to it that all members name the same). */
export function openJournal(link: NatsLink, options: OpenJournalOptions): RawJournal {
  const { prefix, layout = 'per-thread', buckets = DEFAULT_BUCKETS, replicas, maxStreams } = options;
  switch (layout) {
    case 'per-thread':
      return new StreamPerAggregateJournal(link, { prefix, maxStreams, replicas }, (...counts) =>
        options.onScarce?.(...counts),
      );
    case 'bucketed':
      return new BucketedJournal(link, { prefix, buckets, replicas });
  }
}
