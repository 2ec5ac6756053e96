import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';

/** Where the tables are shown. */
export const scalingDocument = join(projectRoot, 'docs', 'scaling.md');

/**
 * The text with each table between its two marks, `<!-- table NAME -->` and `<!-- end -->`.
 * @throws Error when the text has no such marks
 */
export function withTables(text: string, tables: Readonly<Record<string, readonly string[]>>): string {
  let result = text;
  for (const [name, lines] of Object.entries(tables)) {
    const begin = `<!-- table ${name} -->\n`;
    const from = result.indexOf(begin);
    const to = result.indexOf('\n<!-- end -->', from);
    if (from < 0 || to < 0) throw new Error(`docs/scaling.md has no place for the table ${name}`);
    result = `${result.slice(0, from + begin.length)}\n${lines.join('\n')}\n${result.slice(to)}`;
  }
  return result;
}

export function writeTables(tables: Readonly<Record<string, readonly string[]>>): void {
  writeFileSync(scalingDocument, withTables(readFileSync(scalingDocument, 'utf8'), tables));
}
