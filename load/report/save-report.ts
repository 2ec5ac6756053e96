import { access, constants, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../usage-error.js';

/** A file of a report. */
export interface ReportFile {
  readonly name: string;
  readonly type: string;
  readonly content: string;
}

/**
 * Makes the folder of a report, before an hour is spent on what could not be kept.
 * @throws UsageError when it cannot be made, or not be written to
 */
export async function makeReportFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new UsageError(`--report is "${folder}", which cannot be written to: ${(error as Error).message}.`);
  }
}

/** Writes the files into a folder that is there. @returns their paths */
export async function saveReport(folder: string, files: readonly ReportFile[]): Promise<string[]> {
  return Promise.all(
    files.map(async ({ name, content }) => {
      const path = join(folder, name);
      await writeFile(path, content);
      return path;
    }),
  );
}
