import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type CommanderError } from 'commander';
import type { Context } from '../journal/context.js';
import type { ExplainedRows } from '../mysql/explained-rows.js';
import { readAdminArguments, type AdministeredContext } from './admin-program.js';

const explained: ExplainedRows = {
  tables: { threads: { key: ['id'], effectOf: () => [] }, messages: { key: ['thread_id', 'id'], effectOf: () => [] } },
  callerOf: () => undefined,
};
const projection = { name: 'threads', namespace: '', tables: [], rows: {} as never, migrations: [], explained };
const thread: AdministeredContext = {
  context: { name: 'thread', prefix: 'THREAD', codec: {} as Context['codec'], aggregateTypes: ['thread'] },
  projections: [projection],
};
const booking: AdministeredContext = {
  context: { name: 'booking', prefix: 'BOOKING', codec: {} as Context['codec'], aggregateTypes: ['room', 'guest'] },
  projections: [projection, { ...projection, name: 'calendar' }],
  reactions: ['billing'],
};
const id = '01DB5QXD4NP0XQTV92K42B3XBF';

const read = (line: string) => readAdminArguments([thread, booking], line === '' ? [] : line.split(' '));

/** What is printed where help is asked for, or undefined. */
function helpOf(line: string): string {
  const printed: string[] = [];
  assert.throws(
    () => readAdminArguments([thread, booking], line.split(' '), (text) => printed.push(text)),
    ({ exitCode }: CommanderError) => exitCode === 0,
  );
  return printed.join('');
}

describe('the command line of operators', () => {
  const understood: Record<string, object> = {
    'thread journal verify': { kind: 'verify' },
    'thread journal give-up': { kind: 'give-up' },
    'thread journal export a.journal': { kind: 'export', file: 'a.journal' },
    'thread journal import a.journal': { kind: 'import', file: 'a.journal' },
    'thread journal migrate --to per-thread': { kind: 'migrate', to: 'per-thread', buckets: undefined },
    'thread journal migrate --to bucketed --buckets 4': { kind: 'migrate', to: 'bucketed', buckets: 4 },
    'thread journal migrate --delete-old': { kind: 'delete-old' },
    'thread ownership': { kind: 'ownership', aggregateId: undefined, address: undefined },
    'thread ownership --address host:1': { kind: 'ownership', aggregateId: undefined, address: 'host:1' },
    [`thread ownership which ${id} --address host:1`]: { kind: 'which', aggregateId: id, address: 'host:1' },
    [`thread ownership --address host:1 which ${id}`]: { kind: 'which', aggregateId: id, address: 'host:1' },
    [`thread explain threads ${id}`]: { kind: 'explain', table: 'threads', key: [id], withHistory: false },
    [`thread explain messages ${id}/1 --history`]: {
      ...{ kind: 'explain', table: 'messages', key: [id, '1'], withHistory: true },
    },
    'thread projection status': { kind: 'status' },
    'thread projection pause': { kind: 'pause' },
    'thread projection rebuild': { kind: 'rebuild', isJournalRestored: false },
    'thread projection rebuild --journal-restored': { kind: 'rebuild', isJournalRestored: true },
    'thread projection rewind --to 17': { kind: 'rewind', to: 17 },
    'thread projection rewind --to 2026-01-31T12:00:00+01:00': { kind: 'rewind', to: new Date('2026-01-31T11:00:00Z') },
    'thread projection dead-letters list': { kind: 'list' },
    [`thread projection dead-letters retry ${id}`]: { kind: 'retry', aggregateId: id },
    'thread projection dead-letters retry --all': { kind: 'retry', aggregateId: undefined },
    [`thread projection dead-letters drop ${id} --yes`]: { kind: 'drop', aggregateId: id, yes: true },
    [`thread projection skip ${id}`]: { kind: 'skip', aggregateId: id, yes: false },
    'thread projection migrate --wait': { kind: 'migrate', wait: true },
    'booking reactions billing status': { kind: 'status' },
    'booking reactions billing replay --from 17': { kind: 'replay', from: 17 },
    'booking reactions billing dead-letters retry --all': { kind: 'retry', aggregateId: undefined },
    'booking reactions billing dead-letters skip guest=1': { kind: 'skip', aggregateId: 'guest=1', yes: false },
    'booking projection migrate': { kind: 'migrate', wait: false },
    'booking projection --projection calendar skip guest=1': { kind: 'skip', aggregateId: 'guest=1', yes: false },
  };
  for (const [line, request] of Object.entries(understood)) {
    it(`understands "${line}"`, () => {
      assert.deepEqual(read(line).task.request, request);
      assert.deepEqual([read(line).isJson, read(`${line} --json`).isJson], [false, true]);
    });
  }

  const refused: Record<string, RegExp> = {
    '': /Usage: npm run admin -- /,
    thred: /unknown command 'thred'\n\(Did you mean thread\?\)/,
    'thread jurnal verify': /unknown command 'jurnal'\n\(Did you mean journal\?\)/,
    'thread journal destroy': /unknown command 'destroy'/,
    'thread journal verify now': /too many arguments for 'verify'/,
    'thread journal verify --to bucketed': /unknown option '--to'/,
    'thread explain thread 1': /no such table: thread. There are threads, messages/,
    'thread explain messages 1': /the key of messages is thread_id\/id/,
    'thread explain messages ../1': /thread_id in the key of messages: that is no id/,
    'thread explain threads': /missing required argument 'key'/,
    'thread journal export': /missing required argument 'file'/,
    'thread journal import a b': /too many arguments for 'import'/,
    'thread journal migrate': /migrate needs --to per-thread or --to bucketed/,
    'thread journal migrate --to files': /'files' is invalid. Allowed choices are per-thread, bucketed/,
    'thread journal migrate --to bucketed --buckets 0': /'0' is invalid. It must be a whole number from 1 to 1024/,
    'thread journal migrate --to per-thread --buckets 4': /--buckets goes with --to bucketed/,
    'thread journal migrate --to bucketed --delete-old': /--delete-old comes alone/,
    'thread journal migrate --to bucketed --bucket 4': /unknown option '--bucket'\n\(Did you mean --buckets\?\)/,
    'thread ownership which': /missing required argument 'THREAD_ID'/,
    'thread ownership what': /too many arguments|unknown command 'what'/,
    'thread projection dead-letters': /Usage: npm run admin -- thread projection dead-letters/,
    'thread projection pause now': /too many arguments for 'pause'/,
    'thread projection pause --yes': /unknown option '--yes'/,
    'thread projection rewind': /rewind needs --to with a sequence/,
    'thread projection rewind --to -5': /a time with its zone/,
    'thread projection rewind --to 2026-01-31': /a time with its zone/,
    'thread projection rewind --to 2026-13-31T12:00:00Z': /a time with its zone/,
    'thread projection dead-letters retry': /the id of a thread, or --all/,
    'thread projection dead-letters retry a --all': /the id of a thread, or --all/,
    "thread projection skip a';DROP": /that is no id/,
    'thread projection skip': /missing required argument 'THREAD'/,
    'booking projection status': /--projection is needed behind `projection`: threads or calendar/,
    'completion fish': /Allowed choices are bash, zsh/,
  };
  for (const [line, message] of Object.entries(refused)) {
    it(`refuses "${line}"`, () => assert.throws(() => read(line), { message }));
  }

  it('has help on each level, with defaults and examples', () => {
    assert.match(helpOf('--help'), /thread .*journal, ownership and projections of threads/);
    assert.match(
      helpOf('thread journal --help'),
      /Settings, from the environment:[^]*Examples:\n {2}npm run admin -- thread journal verify/,
    );
    assert.match(
      helpOf('thread journal migrate -h'),
      /--buckets <n> +so many streams, 1 to 1024, .*\(default: JOURNAL_BUCKETS\)/,
    );
    assert.match(helpOf('booking projection --help'), /--projection <name> .*\(choices: "threads", "calendar"\)/);
  });

  it('completes in bash what may come next', async () => {
    const script: string[] = [];
    const { task } = read('completion bash');
    await task.run({ say: (text) => script.push(text), warn: assert.fail, progress: process.stderr });
    const complete = (...words: string[]): string[] => {
      const ask = `COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _admin; echo "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = spawnSync('bash', ['-c', `${script.join('\n')}\n${ask}`], { encoding: 'utf8' });
      assert.equal(stderr, '');
      return stdout.trim().split(' ');
    };
    assert.deepEqual(complete('admin', ''), ['thread', 'booking', 'account', 'completion', '--help']);
    assert.deepEqual(complete('admin', 'thread', 'projection', 're'), ['resume', 'rewind', 'rebuild']);
    assert.deepEqual(complete('admin', 'thread', 'projection', 'rewind', '--'), ['--to', '--json', '--help']);
  });
});
