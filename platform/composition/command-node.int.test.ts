import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { startNatsServer, type RunningServer } from '../../mesh/servers/index.js';
import { jsonCommandCodec } from '../commands/command-codec.js';
import { aggregateTypeOf, plainIdOf } from '../journal/aggregate-id.js';
import { steadyNow } from '../kernel/steady-clock.js';
import { JetStreamFeedReader } from '../nats/jetstream-feed-reader.js';
import { createLogger } from '../telemetry/logger.js';
import { Metrics } from '../telemetry/metrics.js';
import { shopContext } from '../testing/sample/context.js';
import { order, stock, type OrderCommand, type ShopRejection, type StockCommand } from '../testing/sample/shop.js';
import { settings } from '../process/settings.js';
import { authSettings } from './identity-settings.js';
import { CommandNode } from './command-node.js';
import type { CommandSettings } from './command-settings.js';
import { ownershipService } from './ownership-service.js';

const PARTITIONS = 8;
const orderType = { ...order, type: 'order', commands: jsonCommandCodec<OrderCommand, ShopRejection>() };
const stockType = { ...stock, type: 'stock', commands: jsonCommandCodec<StockCommand, ShopRejection>() };
const trace = { requestId: 'x', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };

function given<Command extends { readonly type: string }>(aggregateId: string, command: Command, commandId = ulid()) {
  const base = { aggregateId, command, commandType: command.type, commandId, fingerprint: 'f', trace };
  return { ...base, deadline: steadyNow() + 30_000 };
}

describe('two instances that host two types of aggregates', function () {
  this.timeout(60_000);
  let nats: RunningServer;
  const nodes: Awaited<ReturnType<typeof openNode>>[] = [];

  async function openNode(name: string) {
    const commandSettings: CommandSettings = {
      ...{ grpcHost: '127.0.0.1', grpcPort: 0, metricsHost: '127.0.0.1', metricsPort: 0, logLevel: 'silent' },
      ...{
        drainNoticeMs: 0,
        drainTimeoutMs: 10_000,
        limits: {},
        auth: settings({ authSettings }, {}).authSettings,
        adminHost: '127.0.0.1',
        adminPort: 0,
      },
      ...{ natsUrl: nats.url, natsReplicas: 1, feedStorage: 'memory', journalMaxStreams: 1_000 },
      installation: { journalLayout: 'bucketed', journalBuckets: 4, partitions: PARTITIONS },
      ...{ commandTimeoutMs: 30_000, passivateAfterMs: 60_000, maxAggregates: 100, maxAggregatesMib: 10 },
      tracing: { endpoint: '', sampler: 'always_off', ratio: 0 },
      ...{ snapshotEveryCommits: 100, maxWaitingPerAggregate: 100, maxWaiting: 1_000, maxRouted: 100 },
    };
    const node = await CommandNode.open(shopContext, commandSettings, createLogger('test', 'silent'), new Metrics());
    const [orders, stocks] = [node.add(orderType), node.add(stockType)];
    await node.listen();
    await node.membership.join(name, undefined);
    return { node, orders, stocks };
  }

  /** Settles when the instance owns so many partitions. */
  const owns = (node: CommandNode, count: number): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (node.ownership.owned.size === count) resolve();
      };
      node.ownership.onChange(look);
      look();
    });

  before(async () => {
    nats = await startNatsServer();
    nodes.push(await openNode('first'), await openNode('second'));
    await Promise.all(nodes.map(({ node }) => owns(node, PARTITIONS / 2)));
  });
  after(async () => {
    for (const { node } of nodes) {
      await node.leave();
      await node.finish(1_000);
      await node.close();
    }
    await nats.stop();
  });

  it('carry each command out once, of either type, whichever gets it, and tell the feed which type it was', async () => {
    const [first, second] = nodes;
    assert.ok(first && second);
    const ids = Array.from({ length: 12 }, () => ulid());
    for (const id of ids) {
      const [place, add] = [
        given<OrderCommand>(id, { type: 'PlaceOrder', lines: [] }),
        given<StockCommand>(id, { type: 'AddStock', amount: 5 }),
      ];
      const answers = await Promise.all([
        ...[first, second].map(({ orders }) => orders.execute(place)),
        ...[first, second].map(({ stocks }) => stocks.execute(add)),
      ]);
      assert.ok(answers.every((answer) => answer.kind === 'committed' && answer.version === 1));
      const reserve = given<StockCommand>(id, { type: 'ReserveStock', order: id, amount: 6 });
      assert.deepEqual(await Promise.all([first, second].map(({ stocks }) => stocks.execute(reserve))), [
        ...[1, 2].map(() => ({ kind: 'rejected', rejection: { code: 'OUT_OF_STOCK' } })),
      ]);
    }

    const options = { prefix: shopContext.prefix, partitions: PARTITIONS, storage: 'memory', replicas: 1 } as const;
    const stop = new AbortController();
    const told: string[] = [];
    for await (const entry of new JetStreamFeedReader(first.node.link, options).read(0, stop.signal)) {
      if (entry.kind !== 'commit') continue;
      const { aggregateId, version, events } = entry.commit;
      const [type, id] = [aggregateTypeOf(shopContext, aggregateId), plainIdOf(aggregateId)];
      told.push(`${type} ${id} ${version} ${events.map((event) => shopContext.codec.decode(event).type).join()}`);
      if (told.length === 2 * ids.length) stop.abort();
    }
    assert.deepEqual(
      told.sort(),
      ids.flatMap((id) => [`order ${id} 1 OrderPlaced`, `stock ${id} 1 StockAdded`]).sort(),
    );
    const counted = await first.node.metrics.text();
    for (const [type, command, count] of [
      ['order', 'PlaceOrder', 12],
      ['stock', 'AddStock', 12],
    ] as const) {
      const lines = counted
        .split('\n')
        .filter((line) => line.includes(`aggregate_type="${type}",command="${command}"`));
      assert.equal(
        lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0),
        count,
      );
    }
  });

  it('tell operators who owns an aggregate of either type', async () => {
    const [first] = nodes;
    assert.ok(first);
    const { ownership, host } = first.node;
    const { which } = ownershipService(ownership, host, shopContext);
    const partitionOf = async (threadId: string) => {
      const context = {} as never;
      return (await which({ threadId }, context)).partition?.number;
    };
    const id = ulid();
    assert.equal(await partitionOf(id), ownership.partitionOf(id));
    assert.equal(await partitionOf('order=an-order'), ownership.partitionOf('an-order'));
    assert.equal(await partitionOf('stock=chair'), ownership.partitionOf('stock=chair'));
    await assert.rejects(partitionOf('chair'), /threadId: must be a ULID/);
    await assert.rejects(partitionOf('fulfilment=an-order'), /threadId: must be the id of order=… or stock=…/);
  });

  it('hand over both types, and what was rejected of them, when one leaves', async () => {
    const [first, second] = nodes;
    assert.ok(first && second);
    const ids = Array.from({ length: 12 }, () => ulid());
    const confirms = ids.map((id) => given<OrderCommand>(id, { type: 'ConfirmOrder' }));
    const reserves = ids.map((id) => given<StockCommand>(id, { type: 'ReserveStock', order: id, amount: 1 }));
    const attempt = () =>
      Promise.all([
        ...confirms.map((command) => first.orders.execute(command)),
        ...reserves.map((command) => first.stocks.execute(command)),
      ]);
    const rejected = await attempt();
    assert.ok(rejected.every(({ kind }) => kind === 'rejected'));
    await second.node.leave();
    await owns(first.node, PARTITIONS);
    for (const id of ids) {
      await first.orders.execute(given<OrderCommand>(id, { type: 'PlaceOrder', lines: [] }));
      await first.stocks.execute(given<StockCommand>(id, { type: 'AddStock', amount: 1 }));
    }
    assert.deepEqual(await attempt(), rejected, 'though they could be taken by now');
  });
});
