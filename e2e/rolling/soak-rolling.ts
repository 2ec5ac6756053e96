import { rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { toError } from '../../platform/kernel/fault.js';
import { judgeRun } from './judge-run.js';
import { drawPlots } from './plots.js';
import { reportText, verdictText } from './report.js';
import { runRolling, type RollingOptions } from './run-rolling.js';

export interface SoakRollingOptions extends Omit<RollingOptions, 'report'> {
  /** Markdown; its plots get their names from it. @default no report but the one in the folder of the evidence */
  readonly reportFile: string | undefined;
}

/** Runs it, prints how it goes and the verdict, and writes the report. @returns the exit code: 0 well, 1 not */
export async function soakRolling({ reportFile, ...options }: SoakRollingOptions): Promise<number> {
  const { folder } = options;
  const result = await runRolling({ ...options, report: console.log });
  for (const file of new Set([join(folder, 'report.md'), reportFile ?? join(folder, 'report.md')])) {
    const stem = file.replace(/\.md$/, '');
    const plotOf = (name: string): string => `${stem}-${name}.svg`;
    const named = (name: string): string => basename(plotOf(name));
    const plots = { calls: named('calls'), memory: named('memory'), files: named('files') };
    await writeFile(file, reportText(result, plots));
    try {
      for (const [name, svg] of await drawPlots(result)) await writeFile(plotOf(name), svg);
    } catch (error) {
      // echarts is an optional dependency.
      console.error(`no plots: ${toError(error).message}`);
    }
  }
  const judgements = judgeRun(result);
  console.log(verdictText(judgements));
  const isGood = judgements.every((judgement) => judgement.isGood);
  // Of a good run only the report is worth its place.
  if (isGood) await rm(join(folder, 'mesh'), { recursive: true, force: true });
  console.log(
    `${isGood ? 'all is well' : 'not all is well'}; seed ${result.seed}, report ${reportFile ?? join(folder, 'report.md')}, evidence in ${folder}`,
  );
  return isGood ? 0 : 1;
}
