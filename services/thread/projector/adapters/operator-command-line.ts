import { parseArgs } from 'node:util';
import type { OperatorCommand } from '../../../../platform/admin/projection/operator.js';
import { Fault, toError } from '../../../../platform/kernel/fault.js';

export const helpText = `Looks after the projection of threads into MySQL. Works with and without projectors running.

npm run projector -- status [--json]            owner, state, position, lag and rate of each partition
npm run projector -- pause                      nothing is projected until resume; queries go on with what is there
npm run projector -- resume                     ends a pause
npm run projector -- rewind --to WHERE          reads the feed again, from a sequence or a time such as
                                                2026-01-31T12:00:00Z; what is there already is left alone
npm run projector -- rebuild                    makes the read model anew from the journal beside the present one, and
                                                puts it in its place; queries and projection go on meanwhile
    --journal-restored                          leaves out what an older journal, restored, has not
npm run projector -- dead-letters list [--json] threads with a commit that could not be projected
npm run projector -- dead-letters retry THREAD  projects it and all behind it, in order; --all does so for every thread
npm run projector -- dead-letters drop THREAD   gives up all its parked commits, so that later ones go on  (asks; --yes)
npm run projector -- skip THREAD                gives up the first of them and retries the others            (asks; --yes)
npm run projector -- --help                     this text

Settings, from the environment: NATS_URL, MYSQL_URL, FEED_STORAGE, NATS_REPLICAS, PROJECTION_PARTITIONS.
Exits with 0 when all is well, else with 1; retry and skip also when a thread stays parked.`;

const options = {
  help: { type: 'boolean', short: 'h' },
  json: { type: 'boolean' },
  to: { type: 'string' },
  all: { type: 'boolean' },
  yes: { type: 'boolean' },
  'journal-restored': { type: 'boolean' },
} as const;

/** Which options a command takes. */
const taken: Readonly<Record<string, readonly string[]>> = {
  status: ['json'],
  rewind: ['to'],
  rebuild: ['journal-restored'],
  skip: ['yes'],
  'dead-letters list': ['json'],
  'dead-letters retry': ['all'],
  'dead-letters drop': ['yes'],
};

/** @throws Fault reason INVALID_ARGUMENTS saying which */
export function readCommandLine(args: readonly string[]): OperatorCommand | { readonly kind: 'help' } {
  const { values, positionals } = parse(args);
  if (values.help === true) return { kind: 'help' };
  const isNested = positionals[0] === 'dead-letters';
  const name = positionals.slice(0, isNested ? 2 : 1).join(' ');
  const [thread, ...rest] = positionals.slice(isNested ? 2 : 1);
  const foreign = Object.keys(values).find((option) => !(taken[name] ?? []).includes(option));
  if (foreign !== undefined) throw wrong(`${name || 'that'} does not take --${foreign}`);
  const takesThread = ['skip', 'dead-letters retry', 'dead-letters drop'].includes(name);
  const [extra] = takesThread ? rest : [thread, ...rest];
  if (extra !== undefined) throw wrong(`${extra} is one argument too many`);
  if (thread !== undefined && !/^[0-9A-Za-z_-]{1,64}$/.test(thread)) throw wrong('that is no id of a thread');
  switch (name) {
    case 'status':
      return { kind: 'status', json: values.json === true };
    case 'dead-letters list':
      return { kind: 'list', json: values.json === true };
    case 'pause':
    case 'resume':
      return { kind: name };
    case 'rebuild':
      return { kind: name, isJournalRestored: values['journal-restored'] === true };
    case 'rewind':
      return { kind: 'rewind', to: readPlace(values.to) };
    case 'dead-letters retry':
      if ((thread === undefined) !== (values.all === true)) throw wrong('retry needs the id of a thread, or --all');
      return { kind: 'retry', aggregateId: thread };
    case 'dead-letters drop':
    case 'skip':
      if (thread === undefined) throw wrong(`${name} needs the id of a thread`);
      return { kind: name === 'skip' ? 'skip' : 'drop', aggregateId: thread, yes: values.yes === true };
    default:
      throw wrong(name === '' ? 'a command is missing' : `there is no command ${name}`);
  }
}

function readPlace(to: string | undefined): number | Date {
  if (to !== undefined && /^\d{1,15}$/.test(to)) return Number(to);
  const isTime = to !== undefined && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(to);
  const time = new Date(isTime ? to : NaN);
  if (Number.isNaN(time.getTime())) {
    throw wrong('rewind needs --to with a sequence of the feed, or a time with its zone such as 2026-01-31T12:00:00Z');
  }
  return time;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options });
  } catch (error) {
    throw wrong(toError(error).message);
  }
}

function wrong(message: string): Fault {
  const hint = 'npm run projector -- --help lists what there is.';
  return new Fault('failed-precondition', 'INVALID_ARGUMENTS', `${message}\n${hint}`);
}
