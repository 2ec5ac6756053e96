import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../../platform/process/project-root.js';
import { format as formatted, type Options } from 'prettier';
import { isMet, type LineResult, type Row, type Verdict } from './line.js';
import { machineShape, measuredCommit } from './machine.js';

/** The last result of each line, from which the section of docs/performance.md is made. */
const RESULTS = join(projectRoot, 'bench', 'results.json');
const DOCUMENT = join(projectRoot, 'docs', 'performance.md');
const BEGIN = '<!-- results of npm run bench -- --write: begin -->';
const END = '<!-- results: end -->';

interface KeptResult extends LineResult {
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly commit: string;
  readonly machine: string;
}

/** Keeps a line's result in bench/results.json and writes the section of docs/performance.md anew, in this order. */
export async function writeResults(measured: ReadonlyMap<string, LineResult>, order: readonly string[]): Promise<void> {
  const kept = existsSync(RESULTS) ? (JSON.parse(readFileSync(RESULTS, 'utf8')) as Record<string, KeptResult>) : {};
  const stamp = { date: new Date().toISOString().slice(0, 10), commit: measuredCommit(), machine: machineShape() };
  for (const [name, result] of measured) kept[name] = { ...result, ...stamp };
  const inOrder = Object.fromEntries(order.flatMap((name) => (kept[name] ? [[name, kept[name]] as const] : [])));
  const pretty = (text: string, options: Options): Promise<string> => formatted(text, { printWidth: 120, ...options });
  writeFileSync(RESULTS, await pretty(JSON.stringify(inOrder), { parser: 'json' }));
  const document = readFileSync(DOCUMENT, 'utf8');
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`docs/performance.md has no "${BEGIN}" … "${END}"`);
  const section = await pretty(sectionOf(inOrder), { parser: 'markdown' });
  writeFileSync(DOCUMENT, `${document.slice(0, begin)}${BEGIN}\n\n${section}\n${document.slice(end)}`);
}

function sectionOf(results: Readonly<Record<string, KeptResult>>): string {
  const lines = Object.entries(results);
  const machines = [...new Set(lines.map(([, { machine }]) => machine))];
  return [
    '## The table, and what was reached',
    '',
    `Measured on ${machines.join('; and on ')}.`,
    '',
    markdownTable(
      lines.flatMap(([name, { verdicts }]) =>
        verdicts.map((verdict) => ({
          what: verdict.what,
          measure: verdict.measure,
          ...verdictCells(verdict),
          'run by': `\`--only ${name}\``,
        })),
      ),
    ),
    ...lines.flatMap(([name, { title, how, tables, notes = [], date, commit }]) => [
      '',
      `### ${title}`,
      '',
      `${how} \`npm run bench -- --only ${name}\`, ${date}, at ${commit}.`,
      ...tables.flatMap(({ caption, rows }) => ['', ...(caption ? [`${caption}:`, ''] : []), markdownTable(rows)]),
      ...notes.flatMap((note) => ['', note]),
    ]),
    '',
  ].join('\n');
}

/** For people at the terminal too. */
export function verdictCells(verdict: Verdict): { target: string; reached: string } {
  const { atLeast, atMost, reached, unit = '' } = verdict;
  const target = atLeast === undefined ? `≤ ${atMost}${unit}` : `≥ ${atLeast}${unit}`;
  const digits = reached >= 10 ? reached.toFixed(1) : reached.toFixed(2);
  return { target, reached: `${digits}${unit} ${isMet(verdict) ? '✔' : '✘'}` };
}

function markdownTable(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const cell = (value: string | number | undefined): string => {
    if (typeof value !== 'number') return value ?? '';
    return Number.isInteger(value) ? String(value) : value.toFixed(2);
  };
  return [
    line(columns),
    line(columns.map(() => '---')),
    ...rows.map((row) => line(columns.map((column) => cell(row[column])))),
  ].join('\n');
}
