import assert from 'node:assert/strict';
import type { SqlValue } from '../../../../platform/mysql/database.js';
import type { ReadModel } from '../../projector/test/projection-fixture.js';

/** One table's row of EXPLAIN, in the columns that MySQL and MariaDB share. */
export interface Plan {
  readonly table: string;
  readonly type: string;
  readonly key: string | null;
  readonly rows: number;
  readonly Extra: string | null;
}

/** As text: what is prepared cannot be explained on every server. */
export async function explainPlan(model: ReadModel, sql: string, values: SqlValue[]): Promise<Plan[]> {
  return model.database.transaction((tx) => tx.rows<Plan>(`EXPLAIN ${sql}`, values));
}

/** Every table is read by the key that it is named with, and nothing is scanned or sorted. */
export function assertServed(plans: Plan[], keys: Record<string, string>): void {
  const shown = JSON.stringify(plans, null, 1);
  for (const { table, type, key, Extra } of plans) {
    assert.notEqual(type, 'ALL', `${table} is scanned: ${shown}`);
    assert.notEqual(type, 'index', `${table} is scanned by index: ${shown}`);
    assert.doesNotMatch(Extra ?? '', /filesort|temporary/i, shown);
    assert.equal(key, keys[table], shown);
  }
  assert.equal(plans.length, Object.keys(keys).length, shown);
}
