import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { projectRoot } from '../platform/process/project-root.js';
import { startMySqlServer } from '../mesh/servers/index.js';
import { drawCurve } from './scaling/draw-curve.js';
import { machineShape, measuredCommit } from './support/machine.js';
import { measureHistories } from './scaling/measure-histories.js';
import { measureSize, Reference } from './scaling/measure-size.js';
import { measuredFile, readMeasured, type Measured, type MeasuredSize } from './scaling/measured.js';
import { writeTables } from './scale-model/document.js';
import { measuredTables, scaleTables } from './scale-model/tables.js';
import { endProgress, showProgress } from './table.js';

/** Each of a creation and one message, and one of longer threads that shows what a message takes. */
const COMMITS = 2;
const installations: readonly Pick<MeasuredSize, 'layout' | 'threads' | 'commits'>[] = [
  ...[1, 100, 1_000, 10_000].map((threads) => ({ layout: 'per-thread' as const, threads, commits: COMMITS })),
  ...[1, 100, 1_000, 10_000, 200_000].map((threads) => ({ layout: 'bucketed' as const, threads, commits: COMMITS })),
  { layout: 'bucketed', threads: 2_000, commits: 41 },
];
const plotFile = join(projectRoot, 'docs', 'plots', 'scaling.svg');

/**
 * Fills installations with more and more threads and measures each, in turns with one of 100 threads that runs beside it;
 * then threads with more and more messages. With all sizes, keeps the figures in docs/scaling-measured.json, and a
 * plot; with a `count`, which bounds the number of threads, it only prints.
 */
export async function benchScaling({ count }: { count: number | undefined }): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'threadweaver-scaling-mysql-'));
  const mySql = await startMySqlServer({ dataDir, bufferPoolMib: 512 });
  const sizes: MeasuredSize[] = [];
  try {
    const reference = await Reference.start(COMMITS);
    try {
      for (const { layout, threads, commits } of installations) {
        if (threads > (count ?? Infinity)) continue;
        const name = `${layout}, ${threads} threads of ${commits} commits`;
        const startedAt = performance.now();
        const report = (doing: string): void => showProgress(`${name}: ${doing}`);
        sizes.push(await measureSize({ layout, threads, commits }, reference, { url: mySql.url, dataDir }, report));
        endProgress();
        console.log(`  ${name}: measured in ${((performance.now() - startedAt) / 1_000).toFixed(0)} s`);
      }
    } finally {
      await reference.close();
    }
  } finally {
    await mySql.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
  const histories = await measureHistories(showProgress);
  endProgress();
  print(measuredTables({ sizes, histories }));
  if (count !== undefined) return;
  await keep({ commit: measuredCommit(), machine: machineShape(), sizes, histories });
}

/** Only threads of different lengths: a minute. Keeps them beside the sizes of the last run. */
export async function benchHistories(): Promise<void> {
  const histories = await measureHistories(showProgress);
  endProgress();
  const measured = { ...readMeasured(), histories };
  print({ histories: measuredTables(measured).histories ?? [] });
  await keep(measured);
}

/** What so many threads need, from what the last run of `scaling` has measured: printed, and written into docs/scaling.md. */
export async function benchScaleModel(): Promise<void> {
  const tables = scaleTables(readMeasured());
  print(tables);
  writeTables(tables);
}

function print(tables: Readonly<Record<string, readonly string[]>>): void {
  for (const [name, lines] of Object.entries(tables)) console.log(`\n  ${name}\n  ${lines.join('\n  ')}`);
}

async function keep(measured: Measured): Promise<void> {
  await mkdir(dirname(plotFile), { recursive: true });
  await writeFile(measuredFile, `${JSON.stringify(measured, undefined, 2)}\n`);
  await writeFile(plotFile, drawCurve(measured));
  console.log('  kept in docs/scaling-measured.json and docs/plots/scaling.svg');
}
