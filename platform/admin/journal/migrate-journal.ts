import type { RawJournal } from '../../nats/raw-journal.js';
import type { JournalLayout } from '../../nats/open-journal.js';
import { aggregateNounOf } from '../../journal/aggregate-noun.js';
import { Fault } from '../../kernel/fault.js';
import { inParallel } from '../../process/in-parallel.js';
import { noProgress, type Progress } from '../../process/progress.js';
import { copyHistory, cutOff } from './copy-history.js';
import type { Installation } from './installation.js';
import { endMaintenance } from '../../nats/installation-maintenance.js';

/** So many histories are copied at once. */
const WIDTH = 32;

export type MigrationOutcome =
  | { readonly kind: 'migrated'; readonly aggregates: number; readonly commits: number }
  /** It was the layout before. */
  | { readonly kind: 'unchanged' };

/**
 * Copies the journal into another layout, each commit verified, and keeps that layout from then on. Interrupted and
 * called again, it goes on. The old streams stay.
 *
 * @param buckets of the bucketed layout
 * @throws Fault reason OWNERS_RUNNING, INSTALLATION_IN_MAINTENANCE, COPY_DIFFERS, or JOURNAL_FULL: nothing is changed for members
 */
export async function migrateJournal(
  installation: Installation,
  to: JournalLayout,
  buckets: number,
  progress: Progress = noProgress,
): Promise<MigrationOutcome> {
  const { journalLayout: from, journalBuckets } = await installation.values();
  if (to === from) return { kind: 'unchanged' };
  const toBuckets = to === 'bucketed' ? buckets : journalBuckets;
  const task = `migrate --to ${to}` + (to === 'bucketed' ? ` --buckets ${buckets}` : '');
  await installation.beginMaintenance(task, `\`${installation.command} ${task}\` goes on`);

  const source = installation.journal(from, journalBuckets);
  const target = installation.journal(to, toBuckets);
  const copied = new Map<string, number>();
  let isFirstPass = true;
  for (;;) {
    const sourceVersions = await versionsOf(source);
    // An owner that nobody knew of may have gone on while its history was copied: until that is so no more.
    const changed = [...sourceVersions].filter(([id, version]) => copied.get(id) !== version);
    if (changed.length === 0 && !isFirstPass) break;
    const targetVersions = await versionsOf(target);
    if (isFirstPass) assertPossible(installation, to, sourceVersions, targetVersions);
    isFirstPass = false;
    progress.begin(`copying to ${to}`, sum(changed.map(([, version]) => version)), 'commits');
    try {
      await inParallel(changed, WIDTH, async ([aggregateId, sourceVersion]) => {
        const history = source.readMessages(aggregateId, 1);
        const targetVersion = targetVersions.get(aggregateId) ?? 0;
        const version = await copyHistory({ aggregateId, source: history, target, targetVersion, progress });
        if (version < sourceVersion) throw cutOff(aggregateId, version, sourceVersion, installation.command);
        copied.set(aggregateId, version);
      });
    } finally {
      progress.end();
    }
  }
  await installation.assertNoOwners();
  await endMaintenance(installation.settings, task, { journalLayout: to, journalBuckets: toBuckets });
  return { kind: 'migrated', aggregates: copied.size, commits: sum(copied.values()) };
}

function assertPossible(
  { options: { maxStreams, context } }: Installation,
  to: JournalLayout,
  source: ReadonlyMap<string, number>,
  target: ReadonlyMap<string, number>,
): void {
  if (to === 'per-thread' && source.size > maxStreams) {
    const message = `there are ${source.size} ${aggregateNounOf(context)}s, and a stream for each would be more than JOURNAL_MAX_STREAMS, ${maxStreams}`;
    throw new Fault('exhausted', 'JOURNAL_FULL', message);
  }
  for (const aggregateId of target.keys()) {
    if (source.has(aggregateId)) continue;
    throw new Fault('data-loss', 'COPY_DIFFERS', `${aggregateId} is in the ${to} layout only`);
  }
}

async function versionsOf(store: RawJournal): Promise<Map<string, number>> {
  const versions = new Map<string, number>();
  for await (const { aggregateId, version } of store.list()) versions.set(aggregateId, version);
  return versions;
}

function sum(numbers: Iterable<number>): number {
  return [...numbers].reduce((total, number) => total + number, 0);
}
