import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** A file of a report. */
export interface ReportFile {
  readonly name: string;
  readonly type: string;
  readonly content: string;
}

/** Writes the files into a folder, which is made. @returns their paths */
export async function saveReport(folder: string, files: readonly ReportFile[]): Promise<string[]> {
  await mkdir(folder, { recursive: true });
  return Promise.all(
    files.map(async ({ name, content }) => {
      const path = join(folder, name);
      await writeFile(path, content);
      return path;
    }),
  );
}
