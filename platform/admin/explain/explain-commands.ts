import type { Command } from 'commander';
import { aggregateNounOf } from '../../journal/aggregate-noun.js';
import type { Context } from '../../journal/context.js';
import { Database } from '../../mysql/database.js';
import type { ExplainedTable } from '../../mysql/explained-rows.js';
import { MySqlParkedAggregates } from '../../mysql/mysql-parked-aggregates.js';
import type { ProjectionDeclaration } from '../../mysql/projection-declaration.js';
import { InstallationSettings } from '../../nats/installation-settings.js';
import { openJournal } from '../../nats/open-journal.js';
import {
  commandPrefixOf,
  type AdministeredContext,
  type AdminOutput,
  type AdminResult,
  type Ask,
} from '../command-line/admin-task.js';
import { alignedLines } from '../command-line/aligned-lines.js';
import { idOf } from '../command-line/arguments.js';
import { readOperatorSettings } from '../command-line/config.js';
import { openAdminLink } from '../command-line/open-admin-link.js';
import { explainRow, type RowCause, type RowExplanation } from './explain-row.js';

const NAME = 'explain';
/** So many are named at most. */
const MAX_UNREADABLE = 20;

/** A table's row, as an operator names it. */
interface ExplainedRow {
  readonly projection: ProjectionDeclaration & Required<Pick<ProjectionDeclaration, 'explained'>>;
  readonly table: string;
  readonly key: readonly [string, ...string[]];
  /** Also what is overwritten by now. */
  readonly withHistory: boolean;
}

/** `admin CONTEXT explain …` */
export function addExplainCommand(parent: Command, { context, projections }: AdministeredContext, ask: Ask): void {
  const tables = new Map<string, [ExplainedRow['projection'], ExplainedTable]>();
  for (const projection of projections) {
    const { explained } = projection;
    for (const [name, table] of Object.entries(explained?.tables ?? {})) {
      if (explained !== undefined) tables.set(name, [{ ...projection, explained }, table]);
    }
  }
  if (tables.size === 0) return;
  const keys = [...tables].map(([name, [, { key }]]) => [name, key.join('/')]);
  const [[firstTable = '', firstKey = ''] = []] = keys;
  parent
    .command(NAME)
    .description('which commit, command, caller and request has made what a row of the read model shows')
    .argument('<table>', 'a table of the read model')
    .argument('<key>', 'values of the columns of its key, with / between them')
    .option('--history', 'also what other commits have overwritten or removed since')
    .addHelpText(
      'after',
      `
Tables, and what their keys are made of:
${alignedLines(keys, 2)
  .map((line) => `  ${line}`)
  .join('\n')}

It reads the journal, so it also knows what no log and no trace has any more. Exits with 0 when the row is explained, else with 1.
Settings, from the environment: NATS_URL, NATS_USER, NATS_PASSWORD, MYSQL_URL.

Example:
  ${commandPrefixOf(context)} explain ${firstTable} ${firstKey.toUpperCase()}`,
    )
    .action((table: string, text: string, { history }: { history?: true }, command: Command) => {
      const [projection, explained] =
        tables.get(table) ?? command.error(`no such table: ${table}. There are ${[...tables.keys()].join(', ')}`);
      const key = text.split('/');
      if (key.length !== explained.key.length || key.includes('')) {
        command.error(`the key of ${table} is ${explained.key.join('/')}`);
      }
      try {
        idOf(key[0] ?? '');
      } catch {
        command.error(`${explained.key[0]} in the key of ${table}: that is no id`);
      }
      const row: ExplainedRow = { projection, table, key: key as [string], withHistory: history === true };
      ask(command, {
        name: NAME,
        request: { kind: 'explain', table, key, withHistory: row.withHistory },
        run: (output) => explain(context, row, output),
      });
    });
}

async function explain(context: Context, row: ExplainedRow, { say, warn }: AdminOutput): Promise<AdminResult> {
  const settings = readOperatorSettings();
  const { projection, table, key } = row;
  const explained = projection.explained.tables[table] as ExplainedTable;
  const database = new Database({ url: settings.mysqlUrl, maxConnections: 1, statementTimeoutMs: 30_000 });
  try {
    const link = await openAdminLink(NAME, settings.natsUrl, warn);
    try {
      const { natsReplicas: replicas } = settings;
      const installation = await InstallationSettings.open(link, { prefix: context.prefix, replicas });
      const { journalLayout: layout, journalBuckets: buckets } = (await installation.read()) ?? settings.installation;
      const journal = openJournal(link, { prefix: context.prefix, layout, buckets });
      const [shown] = await database.rows<{ version: number }>(projection.rows.versionsStatement, [[key[0]]]);
      const isThere = explained.key.map((column) => `${column} = ?`).join(' AND ');
      const found = await database.rows(`SELECT 1 FROM ${table} WHERE ${isThere}`, key);
      const [parked] = await new MySqlParkedAggregates(database, projection.rows, projection.name).list(key[0]);
      const readModelVersion = shown?.version ?? 0;
      const story = await explainRow(journal, explained, projection.explained, key, readModelVersion);
      const data = {
        table,
        key,
        isThere: found.length > 0,
        readModelVersion,
        ...story,
        parked:
          parked === undefined ? null : { version: parked.firstVersion, since: parked.since, error: parked.error },
      };
      for (const line of linesOf(context, data, row.withHistory)) say(line);
      return { code: story.history.length + story.pending.length > 0 ? 0 : 1, data };
    } finally {
      await link.close();
    }
  } finally {
    await database.close();
  }
}

/** All that was found. */
interface Findings extends RowExplanation {
  readonly table: string;
  readonly key: readonly [string, ...string[]];
  readonly isThere: boolean;
  readonly readModelVersion: number;
  readonly parked: { readonly version: number; readonly since: number; readonly error: string } | null;
}

function* linesOf(context: Context, findings: Findings, withHistory: boolean): Iterable<string> {
  const { table, key, isThere, readModelVersion, journalVersion, history, pending, unreadable, columns, parked } =
    findings;
  const aggregate = `${aggregateNounOf(context)} ${key[0]}`;
  const name = `${table} ${key.join('/')}`;
  if (journalVersion === 0) {
    yield `${aggregate} has no history in the journal`;
    if (isThere) yield `${name} is there all the same: of a journal that was restored, or of another installation`;
    return;
  }
  const last = history.at(-1);
  const isGone = last !== undefined && !isThere;
  if (isGone) yield `${name} is gone since version ${last.version}`;
  else if (last !== undefined) yield `${name} is of ${countOf(history, 'commit')} of ${aggregate}`;
  else if (isThere) yield `${name} is there, but no commit up to version ${readModelVersion} explains it`;
  else yield `no commit of ${aggregate} up to version ${readModelVersion} has made ${name}`;
  const isShown = ({ version }: RowCause): boolean =>
    isGone ? version === last.version : Object.values(columns).includes(version);
  const told = withHistory ? history : history.filter(isShown);
  if (told.length > 0) yield* tableOf(told, (cause) => effectText(cause, isGone, columns, withHistory));
  if (readModelVersion < journalVersion) {
    yield `the read model is behind: at version ${readModelVersion}, the journal at ${journalVersion}`;
  } else if (readModelVersion > journalVersion) {
    yield `the read model is ahead: at version ${readModelVersion}, the journal at ${journalVersion} only; was it restored?`;
  }
  if (parked !== null) {
    yield `${aggregate} is parked at version ${parked.version} since ${new Date(parked.since).toISOString()}: ${parked.error}`;
    yield `\`${commandPrefixOf(context)} projection dead-letters retry ${key[0]}\` tries it again`;
  }
  for (const { version, error } of unreadable.slice(0, MAX_UNREADABLE))
    yield `version ${version} is unreadable: ${error}`;
  if (pending.length > 0) {
    yield `not projected yet, of this row:`;
    yield* tableOf(pending, ({ effect }) => (effect === 'removes' ? 'removes the row' : effect.join(', ')));
  }
}

/** What a commit has set of what is shown; with everything, what is overwritten stands in parentheses. */
function effectText(
  { version, effect }: RowCause,
  isGone: boolean,
  columns: RowExplanation['columns'],
  withHistory: boolean,
): string {
  if (effect === 'removes') return 'removes the row';
  const shown = isGone ? [] : effect.filter((column) => columns[column] === version);
  const overwritten = effect.filter((column) => !shown.includes(column));
  if (isGone && !withHistory) return overwritten.join(', ');
  return [...shown, ...(withHistory && overwritten.length > 0 ? [`(${overwritten.join(', ')})`] : [])].join(', ');
}

function tableOf(causes: readonly RowCause[], effect: (cause: RowCause) => string): string[] {
  const head = ['VERSION', 'TIME', 'COMMAND', 'CALLER', 'REQUEST', 'TRACE', 'COLUMNS'];
  const rows = causes.map((cause) => [
    ...[String(cause.version), new Date(cause.time).toISOString(), cause.commandType, cause.caller ?? '-'],
    ...[cause.requestId, cause.traceId, effect(cause)],
  ]);
  return alignedLines([head, ...rows], head.length);
}

function countOf(list: readonly unknown[], noun: string): string {
  return `${list.length} ${noun}${list.length === 1 ? '' : 's'}`;
}
