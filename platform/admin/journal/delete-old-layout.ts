import { subjectPrefixOf } from '../../nats/open-journal.js';
import { Fault } from '../../kernel/fault.js';
import { inParallel } from '../../process/in-parallel.js';
import { noProgress, type Progress } from '../../process/progress.js';
import type { Installation } from './installation.js';

/** So many streams are deleted at once. */
const WIDTH = 16;

/**
 * Deletes the streams of the layout that is not kept, if all that they hold is in the one that is.
 * @returns how many streams there were
 * @throws Fault reason INSTALLATION_IN_MAINTENANCE, or NOT_COPIED naming what would be lost; nothing is deleted then
 */
export async function deleteOldLayout(installation: Installation, progress: Progress = noProgress): Promise<number> {
  const { journalLayout, journalBuckets, maintenance } = await installation.values();
  if (maintenance !== undefined) {
    const message = `"journal ${maintenance.task}" is not over. ${maintenance.remedy}`;
    throw new Fault('failed-precondition', 'INSTALLATION_IN_MAINTENANCE', message);
  }
  const { link, context } = installation.options;
  const present = new Map<string, number>();
  for await (const { aggregateId, version } of installation.journal(journalLayout, journalBuckets).list()) {
    present.set(aggregateId, version);
  }
  const subjectPrefix = subjectPrefixOf(context.prefix, journalLayout === 'bucketed' ? 'per-thread' : 'bucketed');
  const names: string[] = [];
  for await (const { config } of link.manager.streams.list(`${subjectPrefix}>`)) {
    names.push(config.name);
    // By subject, and not as a journal: the buckets may be left from another number of them.
    const { state } = await link.ask(() => link.manager.streams.info(config.name, { subjects_filter: '>' }));
    for (const [subject, version] of Object.entries(state.subjects ?? {})) {
      const aggregateId = subject.slice(subject.lastIndexOf('.') + 1);
      if (version > (present.get(aggregateId) ?? 0)) throw notCopied(aggregateId, version, present.get(aggregateId));
    }
  }
  progress.begin('deleting', names.length, 'streams');
  try {
    await inParallel(names, WIDTH, async (name) => {
      await link.ask(() => link.manager.streams.delete(name));
      progress.advance(1);
    });
  } finally {
    progress.end();
  }
  return names.length;
}

function notCopied(aggregateId: string, version: number, present = 0): Fault {
  const message = `${aggregateId} is at version ${version} in the old layout and at ${present} in the present one: nothing is deleted`;
  return new Fault('failed-precondition', 'NOT_COPIED', message);
}
