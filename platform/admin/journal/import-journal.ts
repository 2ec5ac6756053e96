import { decodeCommit } from '../../nats/commit-message.js';
import type { StoredCommit } from '../../nats/raw-journal.js';
import { aggregateNounOf } from '../../journal/aggregate-noun.js';
import { Fault, toError } from '../../kernel/fault.js';
import { assertPlainId } from '../../journal/journal.js';
import { inParallel } from '../../process/in-parallel.js';
import { noProgress, type Progress } from '../../process/progress.js';
import { copyHistory } from './copy-history.js';
import { damaged, readExportFile, type ExportSummary } from './export-file.js';
import type { Installation } from './installation.js';
import { endMaintenance } from '../../nats/installation-maintenance.js';

/** So many histories are written at once. */
const WIDTH = 16;
/** So many aggregates are named at most. */
const NAMED = 5;

/**
 * Brings the commits of an exported file into the journal, as they were. The file is read to its end and verified
 * first. Interrupted and called again with the same file, it goes on.
 *
 * @throws Fault reason DAMAGED_EXPORT, WOULD_OVERWRITE naming an aggregate that has a history already, OWNERS_RUNNING or
 * INSTALLATION_IN_MAINTENANCE; nothing is written then
 */
export async function importJournal(
  installation: Installation,
  path: string,
  progress: Progress = noProgress,
): Promise<ExportSummary> {
  const { summary, aggregateIds } = await verifyFile(path, progress);
  await installation.assertNoOwners();
  const task = `import (SHA-256 ${summary.sha256})`;
  const isResumed = (await installation.values()).maintenance?.task === task;
  const journal = await installation.presentJournal();
  const present = new Map<string, number>();
  for await (const { aggregateId, version } of journal.list()) {
    if (aggregateIds.has(aggregateId)) present.set(aggregateId, version);
  }
  if (present.size > 0 && !isResumed)
    throw wouldOverwrite([...present.keys()], aggregateNounOf(installation.options.context));
  await installation.beginMaintenance(task, `\`${installation.command} import\` with the same file goes on`);
  progress.begin('importing', summary.commits, 'commits');
  try {
    await inParallel(historiesOf(path), WIDTH, async ([aggregateId, source]) => {
      const targetVersion = present.get(aggregateId) ?? 0;
      await copyHistory({ aggregateId, source, target: journal, targetVersion, progress });
    });
  } finally {
    progress.end();
  }
  await endMaintenance(installation.settings, task);
  return summary;
}

/** Reads it all: each commit must be one, of the aggregate and version that the file says, without gaps. */
async function verifyFile(
  path: string,
  progress: Progress,
): Promise<{ summary: ExportSummary; aggregateIds: Set<string> }> {
  const aggregateIds = new Set<string>();
  let aggregateId: string | undefined;
  let version = 0;
  const commits = readExportFile(path);
  progress.begin('verifying the file', undefined, 'commits');
  try {
    for (;;) {
      const { done, value } = await commits.next();
      if (done === true) return { summary: value, aggregateIds };
      if (value.aggregateId !== aggregateId) {
        aggregateId = value.aggregateId;
        version = 0;
        if (aggregateIds.has(aggregateId)) throw damaged(path, `has the history of ${aggregateId} in pieces`);
        aggregateIds.add(aggregateId);
      }
      version += 1;
      const fault = faultOf(value, aggregateId, version);
      if (fault !== undefined) throw damaged(path, `is wrong at ${aggregateId} version ${version}: ${fault}`);
      progress.advance(1);
    }
  } finally {
    progress.end();
  }
}

function faultOf(commit: StoredCommit, aggregateId: string, version: number): string | undefined {
  try {
    assertPlainId(aggregateId);
    const decoded = decodeCommit(commit);
    const isRight = decoded.aggregateId === aggregateId && decoded.version === version && commit.version === version;
    return isRight ? undefined : `it is ${decoded.aggregateId} version ${decoded.version}`;
  } catch (error) {
    return toError(error).message;
  }
}

/** The commits of one aggregate after another. */
async function* historiesOf(path: string): AsyncIterable<[string, readonly StoredCommit[]]> {
  let aggregateId: string | undefined;
  let history: StoredCommit[] = [];
  for await (const commit of readExportFile(path)) {
    if (aggregateId !== undefined && commit.aggregateId !== aggregateId) {
      yield [aggregateId, history];
      history = [];
    }
    aggregateId = commit.aggregateId;
    history.push(commit);
  }
  if (aggregateId !== undefined) yield [aggregateId, history];
}

function wouldOverwrite(aggregateIds: readonly string[], noun: string): Fault {
  const named = aggregateIds.slice(0, NAMED).join(', ');
  const more = aggregateIds.length > NAMED ? ` and ${aggregateIds.length - NAMED} more` : '';
  return new Fault(
    'failed-precondition',
    'WOULD_OVERWRITE',
    `the journal has a history of ${named}${more} already: nothing was written. Import into a NATS that has none of these ${noun}s`,
  );
}
