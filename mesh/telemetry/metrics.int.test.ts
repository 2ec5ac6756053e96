import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ulid } from 'ulid';
import { projectRoot } from '../../platform/process/project-root.js';
import { protoClient, type ProtoClient } from '../../platform/testing/proto-client.js';
import { scrape, scrapeUntil, type Scrape } from '../../platform/testing/scrape.js';
import { freePort } from '../servers/index.js';
import { startServiceProcess, type ServiceProcess } from '../../platform/testing/service-process.js';
import { InstallationFixture, poisonedHistory } from '../../services/thread/projector/test/installation-fixture.js';
import { commitOf, messagesAdded } from '../../services/thread/projector/test/projection-fixture.js';
import { makeGenericCall } from './generic-call.js';
import { type ServiceName, serviceNames, services as manifests } from '../services.js';
import { migrateDatabase } from '../../platform/mysql/migrate-database.js';
import { migrations } from '../../services/account/migrations/index.js';
import { freshDatabaseUrl } from '../servers/shared-servers.js';

interface Measured {
  readonly process: ServiceProcess;
  readonly port: number;
}

const account = ulid();
const COMMANDS = 'threadweaver.thread.v1.ThreadCommandService';
const QUERIES = 'threadweaver.thread.v1.ThreadQueryService';

describe('the metrics of the services', function () {
  this.timeout(60_000);
  let installation: InstallationFixture;
  const services = new Map<ServiceName, Measured>();
  const started: ServiceProcess[] = [];
  let keysFolder: string;
  let commands: ProtoClient;
  let queries: ProtoClient;
  /** Commits that no thread-command has made. */
  let foreignCommits = 0;

  async function start(name: ServiceName, env: Record<string, string> = {}): Promise<Measured> {
    const port = await freePort();
    const process = await startServiceProcess(`${manifests[name].main}.ts`, {
      ...installation.env,
      METRICS_HOST: '127.0.0.1',
      METRICS_PORT: String(port),
      ...env,
    });
    started.push(process);
    return { process, port };
  }
  const portOf = (name: ServiceName): number => services.get(name)?.port ?? 0;
  const commandMetrics = (): Promise<Scrape> => scrape(portOf('thread-command'));

  before(async () => {
    installation = await InstallationFixture.open();
    keysFolder = await mkdtemp(join(tmpdir(), 'threadweaver-keys-'));
    const accountMysqlUrl = await freshDatabaseUrl();
    await migrateDatabase({ url: accountMysqlUrl, migrations, report: () => undefined });
    const accountEnv = {
      ACCOUNT_MYSQL_URL: accountMysqlUrl,
      KEY_RING_FILE: join(keysFolder, 'keys.json'),
      JWKS_PORT: '0',
    };
    const starting = serviceNames.map(
      async (name) =>
        [name, await start(name, name === 'account' ? accountEnv : { JOURNAL_MAX_STREAMS: '500' })] as const,
    );
    for (const [name, measured] of await Promise.all(starting)) services.set(name, measured);
    const address = (name: ServiceName): string => services.get(name)?.process.address ?? '';
    const file = 'threadweaver/thread/v1/thread_';
    commands = protoClient(`${file}command_service.proto`, COMMANDS, address('thread-command'));
    queries = protoClient(`${file}query_service.proto`, QUERIES, address('thread-query'));
    await services.get('thread-projector')?.process.logLine(({ msg }) => msg === 'projecting');
  });
  after(async () => {
    commands.close();
    queries.close();
    for (const process of started) {
      process.kill('SIGKILL');
      await process.exited;
    }
    await installation.close();
    await rm(keysFolder, { recursive: true, force: true });
  });

  const create = async (request_id: string): Promise<string> => {
    const request = { request_id, account_id: account, title: 'a thread', administrator_ids: [account] };
    return String((await commands.call('CreateThread', request)).thread_id);
  };
  const post = (thread_id: string, account_id = account) =>
    commands.call('AddMessages', { account_id, thread_id, messages: [{ text: 'hi' }] });

  it('count commands by outcome, calls by status, and a conflict of the journal', async () => {
    const thread = await create('one');
    assert.equal(await create('one'), thread);
    await post(thread);
    await assert.rejects(post(thread, ulid()));
    await assert.rejects(commands.call('AddMessages', { account_id: 'x', thread_id: thread }));
    // Another owner is faster.
    await installation.journal.append(thread, 2, commitOf(thread, 3, messagesAdded(account, [{ id: ulid() }])));
    foreignCommits += 1;
    await post(thread);
    const found = await commandMetrics();
    const outcome = (command: string, name: string) =>
      found.value('threadweaver_commands_total', { command, outcome: name });
    assert.deepEqual(
      [
        outcome('CreateThread', 'committed'),
        outcome('CreateThread', 'repeated'),
        outcome('AddMessages', 'committed'),
        outcome('AddMessages', 'rejected'),
        outcome('AddMessages', 'failed'),
      ],
      [1, 1, 2, 1, undefined],
    );
    const calls = (grpc_method: string, grpc_code: string) =>
      found.value('grpc_server_handled_total', { grpc_service: COMMANDS, grpc_method, grpc_code });
    assert.deepEqual(
      [calls('CreateThread', 'OK'), calls('AddMessages', 'OK'), calls('AddMessages', 'INVALID_ARGUMENT')],
      [2, 2, 1],
    );
    assert.equal(calls('EditMessage', 'OK'), 0, 'a rate needs a beginning');
    assert.equal(
      found.value('grpc_server_handling_seconds_count', { grpc_service: COMMANDS, grpc_method: 'AddMessages' }),
      4,
    );
    const seconds = found.value('grpc_server_handling_seconds_sum', { grpc_method: 'AddMessages' }) ?? 0;
    assert.ok(seconds > 0 && seconds < 10, `${seconds} s`);
    assert.equal(found.value('threadweaver_journal_conflicts_total'), 1);
  });

  it('tell what is in memory, owned and used up, and its bounds', async () => {
    await create('two');
    const found = await commandMetrics();
    assert.equal(found.value('threadweaver_aggregates'), 2);
    assert.ok((found.value('threadweaver_aggregates_bytes') ?? 0) > 0);
    assert.deepEqual(
      [
        found.value('threadweaver_commands_waiting'),
        found.value('threadweaver_commands_routed'),
        found.value('threadweaver_command_partitions'),
        found.value('threadweaver_command_partitions_owned'),
        found.value('threadweaver_command_members'),
        found.value('threadweaver_nats_connected'),
        found.value('threadweaver_nats_reconnects_total'),
        found.value('threadweaver_journal_streams_limit'),
      ],
      [0, 0, 64, 64, 1, 1, 0, 500],
    );
    const streams = found.value('threadweaver_journal_streams') ?? 0;
    assert.ok(streams > 0 && streams < 50, `${streams} streams`);
  });

  it('tell what the projector brings into the read model, how late, and what it parks', async () => {
    const port = portOf('thread-projector');
    const committed = (await commandMetrics()).value('threadweaver_commands_total', { outcome: 'committed' }) ?? 0;
    const commitsBefore = committed + foreignCommits;
    await scrapeUntil(port, (now) => now.value('threadweaver_projection_commits_total') === commitsBefore);
    const thread = await create('three');
    for (let index = 0; index < 4; index += 1) await post(thread);
    await installation.write(...poisonedHistory(3, 2));
    const found = await scrapeUntil(
      port,
      (now) =>
        now.value('threadweaver_projection_parked_total') === 1 &&
        (now.value('threadweaver_projection_commits_total') ?? 0) >= commitsBefore + 6,
    );
    assert.equal(
      found.value('threadweaver_projection_commits_total'),
      commitsBefore + 6,
      'five, and one before the poison',
    );
    assert.equal(found.value('threadweaver_projection_lag_seconds_count'), commitsBefore + 6);
    assert.equal(found.value('threadweaver_projection_batch_commits_sum'), commitsBefore + 6);
    assert.deepEqual(
      [
        found.value('threadweaver_projection_healthy'),
        found.value('threadweaver_projection_paused_partitions'),
        found.value('threadweaver_projection_partitions_owned'),
        found.value('threadweaver_projection_retries_total'),
        found.value('threadweaver_database_connections_limit'),
      ],
      [1, 0, 8, 0, 4],
    );
    const paused = await installation.run('pause');
    assert.equal(paused.code, 0, paused.stderr);
    await scrapeUntil(port, (now) => now.value('threadweaver_projection_paused_partitions') === 8);
    await post(thread);
    // Samples are up to 5 s old.
    const behind = await scrapeUntil(
      port,
      (now) =>
        now.value('threadweaver_projection_backlog_commits') === 1 &&
        now.value('threadweaver_dead_letter_aggregates') === 1,
    );
    assert.ok((behind.value('threadweaver_projection_backlog_seconds') ?? 0) > 0);
    assert.equal(behind.value('threadweaver_dead_letter_commits'), 3);
    assert.equal((await installation.run('resume')).code, 0);
    await scrapeUntil(port, (now) => now.value('threadweaver_projection_paused_partitions') === 0);
    await scrapeUntil(port, (now) => now.value('threadweaver_projection_backlog_seconds') === 0);
  });

  it('tell of queries that wait, and of watchers', async () => {
    const port = portOf('thread-query');
    const thread_id = await create('four');
    await queries.call('GetThread', { account_id: account, thread_id, min_version: '1' });
    const waiting = queries.call('GetThread', { account_id: account, thread_id, min_version: '2' });
    await scrapeUntil(port, (now) => now.value('threadweaver_queries_waiting') === 1);
    await post(thread_id);
    await waiting;
    const watch = queries.stream('WatchThread', { account_id: account, thread_id, from_version: '1' });
    watch.on('error', () => undefined).resume();
    await scrapeUntil(port, (now) => now.value('threadweaver_watchers') === 1);
    watch.cancel();
    const streams = { grpc_type: 'server_stream', grpc_method: 'WatchThread' };
    const found = await scrapeUntil(
      port,
      (now) => now.value('grpc_server_handled_total', { ...streams, grpc_code: 'CANCELLED' }) === 1,
    );
    assert.equal(
      found.value('grpc_server_handled_total', { grpc_method: 'GetThread', grpc_code: 'OK', grpc_service: QUERIES }),
      2,
    );
    assert.equal(found.value('grpc_server_handling_seconds_count', streams), undefined, 'a watch is not slow');
    assert.deepEqual(
      [
        found.value('threadweaver_queries_waiting'),
        found.value('threadweaver_watchers'),
        found.value('threadweaver_database_up'),
        found.value('threadweaver_database_waiting'),
        found.value('threadweaver_nats_connected'),
      ],
      [0, 0, 1, 0, 1],
    );
  });

  it('make no series for methods, services or ids that callers make up', async () => {
    const address = services.get('thread-command')?.process.address ?? '';
    const seriesOf = ({ text }: Scrape) =>
      text
        .split('\n')
        .flatMap((line) => (/^(threadweaver|grpc)_/.test(line) ? [line.slice(0, line.lastIndexOf(' '))] : []));
    await assert.rejects(post(ulid()));
    const before = seriesOf(await commandMetrics());
    for (const path of [
      `/${COMMANDS}/Nonsense`,
      '/no.such.Service/Method',
      `/${COMMANDS}/a"} 1`,
      `/${COMMANDS}/${'x'.repeat(5_000)}`,
    ]) {
      await assert.rejects(makeGenericCall(address, path), /UNIMPLEMENTED|INTERNAL/);
    }
    for (let index = 0; index < 20; index += 1) await assert.rejects(post(ulid(), ulid()));
    const after = await commandMetrics();
    assert.deepEqual(seriesOf(after), before);
    assert.ok(!after.text.includes(account), 'no ids');
  });

  it('are all explained in docs/metrics.md, and all that alerts and dashboard ask for exist', async () => {
    const served = new Set<string>();
    for (const { port } of services.values()) for (const name of (await scrape(port)).names) served.add(name);
    const read = (path: string) => readFile(join(projectRoot, path), 'utf8');
    const [docs, rules, dashboard] = await Promise.all(
      ['docs/metrics.md', 'mesh/telemetry/alerts.yaml', 'mesh/telemetry/consoles/threadweaver.html'].map(read),
    );
    const named = new Set(
      [...`${rules}${dashboard}`.matchAll(/\b(?:threadweaver|grpc_server|nodejs|process)_[a-z0-9_]+/g)].map(
        ([name]) => name,
      ),
    );
    assert.ok(named.size > 25, 'the rules were read');
    const unknown = [...named].filter((name) => !served.has(name) && !served.has(name.replace(/_bucket$/, '')));
    assert.deepEqual(unknown, [], 'alerts on what nobody serves, or graphs of it');
    const own = [...served].filter((name) => /^(threadweaver|grpc)_/.test(name));
    assert.deepEqual(
      own.filter((name) => !docs?.includes(`| \`${name}\``)),
      [],
      'without a line in docs/metrics.md',
    );
    const explained = [...(docs ?? '').matchAll(/^\| `((?:threadweaver|grpc)_\w+)`/gm)].map(([, name]) => name ?? '');
    assert.deepEqual(
      explained.filter((name) => !served.has(name)),
      [],
      'explained, but not served',
    );
    const alerts = [...(rules ?? '').matchAll(/alert: (\w+)/g)].map(([, name]) => name ?? '');
    assert.deepEqual(
      alerts.filter((name) => !docs?.includes(`| **${name}**`)),
      [],
      'without a line of what to do',
    );
  });

  it('end with the service at SIGTERM, and a taken port is an error that names the setting', async () => {
    const first = await start('thread-query');
    await scrape(first.port);
    const second = await start('thread-query', { METRICS_PORT: String(first.port) }).then(
      () => 'started',
      (error: Error) => error.message,
    );
    assert.match(second, new RegExp(`cannot serve metrics on 127.0.0.1:${first.port}; set METRICS_PORT`));
    first.process.kill('SIGTERM');
    assert.equal(await first.process.exited, 0);
    await assert.rejects(scrape(first.port), /fetch failed/);
  });
});
