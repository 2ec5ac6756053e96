import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import { freshDatabaseUrl, startNatsServer } from '../../../mesh/servers/index.js';
import { RemoteCommands } from '../../composition/remote-commands.js';
import { steadyNow } from '../../kernel/steady-clock.js';
import { aggregateTypeOf } from '../../journal/aggregate-id.js';
import type { Journal } from '../../journal/journal.js';
import { Database } from '../../mysql/database.js';
import { migrateDatabase } from '../../mysql/migrate-database.js';
import { migrationsOf } from '../../mysql/projection-tables.js';
import { reactionProjection } from '../../mysql/reaction-projection.js';
import { NatsLink } from '../../nats/nats-link.js';
import { openJournal } from '../../nats/open-journal.js';
import { createLogger } from '../../telemetry/logger.js';
import { resultOf, spawnCommand } from '../command-process.js';
import { startServiceProcess, type ServiceProcess } from '../service-process.js';
import { shopContext } from './context.js';
import { fulfilment, order, RECEIPTS, stock, type Line, type ShopEvent } from './shop.js';
import { shopView } from './shop-view.js';

/** A random schedule; SAMPLE_SEED repeats it. */
const seed = Number(process.env['SAMPLE_SEED'] ?? Date.now() % 100_000);
const KILLS = 3;

describe('a context of two types of aggregates, a projection and a process between the types', function () {
  this.timeout(180_000);
  const logger = createLogger('test', 'silent');
  const chairs = { article: 'chair', amount: 2 };
  const desks = { article: 'desk', amount: 1 };
  let nats: Awaited<ReturnType<typeof startNatsServer>>;
  let link: NatsLink;
  let journal: Journal;
  let database: Database;
  let env: Record<string, string>;
  let commands: RemoteCommands;
  const running = new Map<string, ServiceProcess>();

  const start = async (name: string, more: Record<string, string> = {}): Promise<ServiceProcess> => {
    const started = await startServiceProcess(`platform/testing/sample/${name}-main.ts`, { ...env, ...more });
    running.set(name, started);
    return started;
  };
  const kill = async (name: string): Promise<void> => {
    running.get(name)?.kill('SIGKILL');
    await running.get(name)?.exited;
  };

  before(async () => {
    nats = await startNatsServer();
    const mysqlUrl = await freshDatabaseUrl();
    const projections = [shopView, ...[fulfilment.name, RECEIPTS].map(reactionProjection)];
    const migrations = projections.flatMap(migrationsOf);
    await migrateDatabase({ url: mysqlUrl, migrations, report: () => undefined });
    const installation = { JOURNAL_LAYOUT: 'bucketed', JOURNAL_BUCKETS: '2', PARTITIONS: '4' };
    env = { NATS_URL: nats.url, MYSQL_URL: mysqlUrl, METRICS_PORT: '0', LOG_LEVEL: 'info', ...installation };
    database = new Database({ url: mysqlUrl, maxConnections: 2 });
    link = await NatsLink.open({ url: nats.url, name: 'sample-test', logger });
    journal = openJournal(link, { prefix: shopContext.prefix, layout: 'bucketed', buckets: 2 });
    await Promise.all([start('command'), start('projector')]);
    commands = await RemoteCommands.open(link, shopContext, { replicas: 1, logger });
  });
  after(async () => {
    for (const name of running.keys()) await kill(name);
    await commands?.close();
    await link?.close();
    await database?.close();
    await nats?.stop();
  });

  /** Tries again, with the same id, until it is answered. */
  async function give<Command extends { readonly type: string }>(
    target: { execute(envelope: never): Promise<{ readonly kind: string }> },
    aggregateId: string,
    command: Command,
  ): Promise<void> {
    const trace = { requestId: 'test', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
    const commandId = ulid();
    for (;;) {
      const deadline = steadyNow() + 5_000;
      const envelope = { aggregateId, command, commandType: command.type, commandId, trace, deadline };
      try {
        assert.equal((await target.execute(envelope as never)).kind, 'committed');
        return;
      } catch (error) {
        if (error instanceof assert.AssertionError) throw error;
        await delay(50);
      }
    }
  }
  const add = (article: string, amount: number) => give(commands.to(stock), article, { type: 'AddStock', amount });
  const place = (id: string, ...lines: Line[]) => give(commands.to(order), id, { type: 'PlaceOrder', lines });

  async function history(id: string): Promise<ShopEvent[]> {
    const events: ShopEvent[] = [];
    for await (const commit of journal.read(id, 1)) {
      events.push(...commit.events.map((event) => shopContext.codec.decode(event)));
    }
    return events;
  }

  async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
    for (let waited = 0; !(await isSo()); waited += 50) {
      if (waited > 60_000) throw new Error(`${what} did not come about, seed ${seed}`);
      await delay(50);
    }
  }

  /** Every order is decided, just once; what it has reserved or released is just what it should be; the view says the same. */
  async function assertRight(orders: ReadonlyMap<string, readonly Line[]>): Promise<void> {
    const isDecided = async (id: string): Promise<boolean> => (await history(id)).length > 1;
    for (const id of orders.keys()) await until(() => isDecided(id), `a decision on ${id}`);
    const versions = new Map<string, number>();
    const rows = () =>
      database.rows<{ id: string; version: number; state: string; free: number }>('SELECT * FROM shop_view');
    await until(async () => {
      // What an order's process notes last comes after the order is decided.
      for await (const { aggregateId, version } of journal.list()) versions.set(aggregateId, version);
      return (await rows()).filter(({ id, version }) => versions.get(id) === version).length === versions.size;
    }, 'the view of all');
    const view = new Map((await rows()).map((row) => [row.id, row]));
    const stocks = new Map<string, ShopEvent[]>();
    for (const id of versions.keys()) {
      if (aggregateTypeOf(shopContext, id) === 'stock') stocks.set(id, await history(id));
    }
    for (const [id, lines] of orders) {
      const [, decision, ...more] = (await history(id)).map(({ type }) => type);
      assert.deepEqual(more, [], `${id} is decided once, seed ${seed}`);
      assert.equal(view.get(id)?.state, decision);
      for (const [stockId, events] of stocks) {
        const own = events.flatMap((event) => ('order' in event && event.order === id ? [event.type] : []));
        const isOrdered = lines.some(({ article }) => `stock=${article}` === stockId);
        if (decision === 'OrderConfirmed')
          assert.deepEqual(own, isOrdered ? ['StockReserved'] : [], `${id} ${stockId}`);
        else assert.ok([0, 2].includes(own.length), `${id} keeps nothing of ${stockId}, seed ${seed}: ${own.join()}`);
      }
    }
    for (const [id, events] of stocks) {
      const free = events.reduce((sum, event) => stock.decider.evolve(sum, event as never), 0);
      assert.ok(free >= 0);
      assert.equal(view.get(id)?.free, free);
    }
  }

  it('brings effects about at least once and in order, though it is killed, and parks only what is refused', async () => {
    const told: { key: unknown; order: string; event: string }[] = [];
    let isBusy = true;
    let isRefused = true;
    const server = createServer((request, response) => {
      void text(request).then((body) => {
        const receipt = JSON.parse(body) as { order: string; event: string };
        told.push({ key: request.headers['idempotency-key'], ...receipt });
        const isRotten = isRefused && receipt.order === 'rotten';
        response.writeHead(isRotten ? 400 : isBusy && receipt.order === 'busy' ? 503 : 204).end();
        if (receipt.order === 'busy') isBusy = false;
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const receipts = { RECEIPTS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
    const toldOf = (id: string): string[] => told.filter((one) => one.order === id).map(({ event }) => event);
    const confirm = (id: string) => give(commands.to(order), id, { type: 'ConfirmOrder' });
    try {
      const dying = await start('receipts', { ...receipts, DIE_AT: 'done' });
      await place('paid');
      assert.equal(await dying.exited, 'SIGKILL');
      assert.deepEqual(toldOf('paid'), ['OrderPlaced']);

      for (const id of ['rotten', 'busy', 'late']) await place(id);
      for (const id of ['paid', 'rotten', 'busy', 'late']) await confirm(id);
      await start('receipts', receipts);
      const isTold = (id: string) => async () => toldOf(id).includes('OrderConfirmed');
      for (const id of ['paid', 'busy', 'late']) await until(isTold(id), `the confirmation of ${id}`);
      assert.deepEqual(toldOf('paid'), ['OrderPlaced', 'OrderPlaced', 'OrderConfirmed']);
      const [first, second] = told.filter((one) => one.order === 'paid');
      assert.equal(first?.key, second?.key, 'a repeat can be told');
      assert.deepEqual(toldOf('busy'), ['OrderPlaced', 'OrderPlaced', 'OrderConfirmed'], 'it is tried again');
      assert.deepEqual(toldOf('late'), ['OrderPlaced', 'OrderConfirmed']);

      const deadLetters = async (...args: string[]): Promise<unknown> => {
        const line = ['shop', 'reactions', RECEIPTS, 'dead-letters', ...args, '--json'];
        const { code, stdout, stderr } = await resultOf(
          spawnCommand('platform/testing/sample/admin-main.ts', line, env),
        );
        assert.equal(code, 0, stderr);
        return JSON.parse(stdout);
      };
      const parked = async () => (await deadLetters('list')) as { aggregateId: string; commits: number }[];
      await until(async () => (await parked())[0]?.commits === 2, 'both commits of the order that is refused');
      assert.deepEqual(
        (await parked()).map(({ aggregateId }) => aggregateId),
        ['rotten'],
      );
      assert.deepEqual(toldOf('rotten'), ['OrderPlaced'], 'what comes later waits');
      isRefused = false;
      await deadLetters('retry', 'rotten');
      await until(isTold('rotten'), 'the confirmation of what was retried');
      assert.deepEqual(toldOf('rotten'), ['OrderPlaced', 'OrderPlaced', 'OrderConfirmed']);
    } finally {
      await kill('receipts');
      server.close();
    }
  });

  it('goes on wherever the process is killed: nothing is lost, nothing done twice, all compensated', async () => {
    const places = [
      'begin',
      'before ReserveStock',
      'after ReserveStock',
      'after ReleaseStock',
      'after RefuseOrder',
      'done',
    ];
    const orders = new Map<string, Line[]>();
    await add('chair', 10);
    for (const [index, where] of places.entries()) {
      const dying = await start('reactions', { DIE_AT: where });
      const id = `refused-${index}`;
      orders.set(id, [chairs, desks]);
      await place(id, chairs, desks);
      assert.equal(await dying.exited, 'SIGKILL', where);
    }
    await start('reactions');
    await assertRight(orders);
    for (const id of orders.keys()) assert.equal((await history(id)).at(-1)?.type, 'OrderRefused');
    // All of it is free again.
    assert.equal(
      (await database.rows<{ free: number }>("SELECT free FROM shop_view WHERE id = 'stock=chair'"))[0]?.free,
      10,
    );
  });

  it('changes nothing when an operator has all of it carried out again', async () => {
    const versions = async (): Promise<string[]> => {
      const all: string[] = [];
      for await (const { aggregateId, version } of journal.list()) all.push(`${aggregateId} ${version}`);
      return all.sort();
    };
    const behind = async (): Promise<string[]> => {
      const rows = await database.rows<{ line: string }>(
        "SELECT CONCAT(aggregate_id, ' ', version) AS line FROM reaction_fulfilment",
      );
      const done = rows.map(({ line }) => line);
      return (await versions()).filter((line) => !done.includes(line));
    };
    await until(async () => (await behind()).length === 0, 'all carried out');
    const before = await versions();
    const replay = ['shop', 'reactions', 'fulfilment', 'replay', '--json', '--from'];
    for (const from of ['1', '2026-01-01T00:00:00Z']) {
      const { code, stdout, stderr } = await resultOf(
        spawnCommand('platform/testing/sample/admin-main.ts', [...replay, from], env),
      );
      assert.equal(code, 0, stderr);
      assert.deepEqual(JSON.parse(stdout), { aggregates: before.length });
      await until(async () => (await behind()).length === 0, 'all carried out again');
    }
    assert.deepEqual(await versions(), before);
  });

  it(`goes on whichever process is killed at whichever moment (SAMPLE_SEED=${seed})`, async () => {
    const orders = new Map<string, Line[]>();
    if (!running.has('reactions')) await start('reactions');
    await Promise.all([add('chair', 30), add('desk', 12)]);
    let isOver = false;
    const placing = (async () => {
      for (let index = 0; !isOver || index < 20; index += 1) {
        const id = `order-${index}`;
        const lines = index % 3 === 0 ? [desks, chairs] : index % 3 === 1 ? [chairs, desks] : [chairs];
        orders.set(id, lines);
        await place(id, ...lines);
        await delay(20);
      }
    })();
    let state = seed;
    const next = (below: number): number => (state = (state * 1_103_515_245 + 12_345) % 2 ** 31) % below;
    for (let kills = 0; kills < KILLS; kills += 1) {
      await delay(next(600));
      const name = ['reactions', 'command', 'reactions', 'projector'][next(4)] ?? 'reactions';
      await kill(name);
      await start(name);
    }
    isOver = true;
    await placing;
    await assertRight(orders);
    const decisions = await Promise.all([...orders.keys()].map(async (id) => (await history(id)).at(-1)?.type));
    assert.ok(decisions.includes('OrderConfirmed') && decisions.includes('OrderRefused'));
  });
});
