import { noProgress, type Progress } from '../../process/progress.js';
import { cutOff } from './copy-history.js';
import { ExportFileWriter, type ExportSummary } from './export-file.js';
import type { Installation } from './installation.js';

/**
 * Writes every commit to a new file. What is appended meanwhile may be in it or not; each aggregate's part is a history
 * without gaps.
 * @throws Fault reason FILE_EXISTS or HISTORY_CUT_OFF; there is no new file then
 */
export async function exportJournal(
  installation: Installation,
  path: string,
  progress: Progress = noProgress,
): Promise<ExportSummary> {
  const journal = await installation.presentJournal();
  const writer = await ExportFileWriter.create(path, installation.options.context.prefix);
  try {
    const aggregates: { aggregateId: string; version: number }[] = [];
    for await (const aggregate of journal.list()) aggregates.push(aggregate);
    const total = aggregates.reduce((sum, { version }) => sum + version, 0);
    progress.begin('exporting', total, 'commits');
    for (const { aggregateId, version: listedVersion } of aggregates) {
      let version = 0;
      for await (const commit of journal.readMessages(aggregateId, 1)) {
        await writer.add(aggregateId, commit);
        version = commit.version;
        progress.advance(1);
      }
      if (version < listedVersion) throw cutOff(aggregateId, version, listedVersion, installation.command);
    }
    return await writer.finish();
  } catch (error) {
    await writer.abandon();
    throw error;
  } finally {
    progress.end();
  }
}
