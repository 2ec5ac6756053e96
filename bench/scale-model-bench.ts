import { writeTables } from './scale-model/document.js';
import { scaleTables } from './scale-model/tables.js';
import { readMeasured } from './scaling/measured.js';

/** What so many threads need, from what the last run of `scaling` has measured: printed, and written into docs/scaling.md. */
export async function benchScaleModel(): Promise<void> {
  const tables = scaleTables(readMeasured());
  for (const [name, lines] of Object.entries(tables)) console.log(`\n  ${name}\n  ${lines.join('\n  ')}`);
  writeTables(tables);
}
