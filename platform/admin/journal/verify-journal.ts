import { Fault } from '../../kernel/fault.js';
import type { AggregateVersion, Journal, RecordedEvent } from '../../journal/journal.js';
import { inParallel } from '../../process/in-parallel.js';
import { noProgress, type Progress } from '../../process/progress.js';

/** What was found. */
export interface JournalReport {
  readonly aggregates: number;
  readonly commits: number;
  readonly events: number;
  /** Each names an aggregate and, where there is one, a version. None when all is well. */
  readonly problems: readonly string[];
}

/** So many histories are read at once. */
const WIDTH = 16;

/**
 * Reads every history: versions without gaps up to the last one, each command once, every event decodes.
 * @throws JournalUnavailable
 */
export async function verifyJournal(
  journal: Journal,
  decode: (event: RecordedEvent) => unknown,
  progress: Progress = noProgress,
): Promise<JournalReport> {
  const found = { aggregates: 0, commits: 0, events: 0, problems: [] as string[] };
  const aggregates: AggregateVersion[] = [];
  const problem = (where: string, thrown: unknown): void => {
    if (!(thrown instanceof Fault && thrown.kind === 'data-loss')) throw thrown;
    found.problems.push(where === '' ? thrown.message : `${where}: ${thrown.message}`);
  };
  try {
    for await (const aggregate of journal.list()) aggregates.push(aggregate);
  } catch (error) {
    problem('', error);
  }
  const total = aggregates.reduce((sum, { version }) => sum + version, 0);
  progress.begin('verifying', total, 'commits');
  try {
    await inParallel(aggregates, WIDTH, async ({ aggregateId, version: lastVersion }) => {
      found.aggregates += 1;
      let version = 0;
      const versionByCommand = new Map<string, number>();
      try {
        for await (const commit of journal.read(aggregateId, 1)) {
          const where = `${aggregateId} version ${commit.version}`;
          if (commit.version !== version + 1) found.problems.push(`${where} comes after version ${version}`);
          if (commit.aggregateId !== aggregateId) found.problems.push(`${where} belongs to ${commit.aggregateId}`);
          const earlier = versionByCommand.get(commit.commandId);
          if (earlier !== undefined) {
            found.problems.push(`${where} is of command ${commit.commandId}, as version ${earlier} is`);
          }
          versionByCommand.set(commit.commandId, commit.version);
          version = commit.version;
          found.commits += 1;
          for (const event of commit.events) {
            found.events += 1;
            try {
              decode(event);
            } catch (error) {
              problem(where, error);
            }
          }
          progress.advance(1);
        }
        // It may have grown since.
        if (version < lastVersion) found.problems.push(`${aggregateId} ends at version ${version}, not ${lastVersion}`);
      } catch (error) {
        problem(`${aggregateId} after version ${version}`, error);
      }
    });
  } finally {
    progress.end();
  }
  return found;
}
