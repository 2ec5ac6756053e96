import assert from 'node:assert/strict';
import { steadyNow } from '../kernel/steady-clock.js';
import { InMemoryJournal } from '../testing/in-memory-journal.js';
import { InMemoryRejectionLog } from '../testing/in-memory-rejection-log.js';
import { readAll, someCommit } from '../testing/journal-contract.js';
import { shopContext } from '../testing/sample/context.js';
import { order, stock, type OrderCommand, type ShopRejection, type StockCommand } from '../testing/sample/shop.js';
import { ToldMembership } from '../testing/told-membership.js';
import { PartitionOwnership } from '../ownership/partition-ownership.js';
import { AggregateHost } from './aggregate-host.js';
import type { CommandEnvelope } from './aggregate-model.js';
import { AggregateTypes, type AggregateType } from './aggregate-types.js';
import type { RoutedCommand } from './command-bus.js';
import { jsonCommandCodec } from './command-codec.js';
import { CommandRouter } from './command-router.js';

const trace = { requestId: 'x', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };

function given<Command extends { readonly type: string }>(command: Command, commandId: string, aggregateId = 'A') {
  const base = { aggregateId, command, commandType: command.type, commandId, fingerprint: 'f', trace };
  return { ...base, deadline: steadyNow() + 5_000 } satisfies CommandEnvelope<Command>;
}
const place = (id: string) => given<OrderCommand>({ type: 'PlaceOrder', lines: [] }, id);
const confirm = (id: string) => given<OrderCommand>({ type: 'ConfirmOrder' }, id);
const add = (id: string, amount: number) => given<StockCommand>({ type: 'AddStock', amount }, id);
const reserve = (id: string, amount: number) => given<StockCommand>({ type: 'ReserveStock', order: 'O', amount }, id);

/** Bytes that only the same type can read. */
function marked<Command, Event extends { readonly type: string }, State, Rejection>(
  type: AggregateType<Command, Event, State, Rejection>,
): AggregateType<Command, Event, State, Rejection> {
  const mark = Buffer.from(`${type.type}:`);
  const bare = (data: Uint8Array): Uint8Array => {
    assert.equal(Buffer.from(data.subarray(0, mark.length)).toString(), mark.toString());
    return data.subarray(mark.length);
  };
  const { commands } = type;
  return {
    ...type,
    commands: {
      encodeCommand: (command) => Buffer.concat([mark, commands.encodeCommand(command)]),
      decodeCommand: (data) => commands.decodeCommand(bare(data)),
      encodeRejection: (rejection) => Buffer.concat([mark, commands.encodeRejection(rejection)]),
      decodeRejection: (data) => commands.decodeRejection(bare(data)),
    },
  };
}
const orderType = marked({ ...order, type: 'order', commands: jsonCommandCodec<OrderCommand, ShopRejection>() });
const stockType = marked({ ...stock, type: 'stock', commands: jsonCommandCodec<StockCommand, ShopRejection>() });

describe('two types of aggregates in one process', () => {
  let journal: InMemoryJournal;
  let log: InMemoryRejectionLog;
  let instances: Map<string, ReturnType<typeof openInstance>>;
  let owner: string;
  const troubles: string[] = [];

  function openInstance(name: string, { hasStock = true } = {}) {
    const membership = new ToldMembership(name);
    const ownership = new PartitionOwnership(membership, 4);
    const types = new AggregateTypes(shopContext);
    const typeOf = types.of.bind(types);
    const host = new AggregateHost(typeOf, { journal, onCommitted: () => undefined });
    ownership.onChange((_changed, { lost }) => host.forget((id) => lost.has(ownership.partitionOf(id))));
    const none = async (): Promise<void> => undefined;
    const send = async (_partition: number, correlation: string, command: RoutedCommand): Promise<void> => {
      const answer = await instances.get(owner)?.router.onCommand(command);
      if (answer !== undefined) router.onAnswer(correlation, answer);
    };
    const router = new CommandRouter({
      ...{ host, ownership, typeOf, rejections: log },
      bus: { open: none, serve: none, close: none, send },
      onRejectionTrouble: (error) => void troubles.push(error.message),
    });
    const orders = types.add(orderType, router);
    // What is not hosted is still known to whoever calls.
    const stocks = (hasStock ? types : new AggregateTypes(shopContext)).add(stockType, router);
    return { membership, router, orders, stocks };
  }

  function giveAllTo(member: string): void {
    owner = member;
    for (const { membership } of instances.values()) membership.giveAllTo(member);
  }

  beforeEach(() => {
    journal = new InMemoryJournal();
    log = new InMemoryRejectionLog();
    instances = new Map(['a', 'b'].map((name) => [name, openInstance(name)]));
    troubles.length = 0;
    giveAllTo('b');
  });
  const instance = (name: 'a' | 'b') => instances.get(name) ?? assert.fail();

  it('have a history each, also under the same id, whichever instance carries their commands out', async () => {
    const [{ orders, stocks }, b] = [instance('a'), instance('b')];
    const placed = await orders.execute(place('1'));
    assert.ok(placed.kind === 'committed' && placed.version === 1 && placed.events[0]?.type === 'OrderPlaced');
    // The same command id, too: it identifies a command within its aggregate.
    const added = await stocks.execute(add('1', 3));
    assert.deepEqual(added, {
      kind: 'committed',
      version: 1,
      events: [{ type: 'StockAdded', amount: 3 }],
      repeated: false,
    });
    assert.deepEqual(await b.stocks.execute(add('1', 3)), { ...added, repeated: true });
    assert.deepEqual(await b.orders.inspect('A', steadyNow() + 1_000), { version: 1, state: 'placed' });
    assert.deepEqual(await stocks.inspect('A', steadyNow() + 1_000), { version: 1, state: 3 });
    const ids: string[] = [];
    for await (const { aggregateId } of journal.list()) ids.push(aggregateId);
    assert.deepEqual(ids.sort(), ['A', 'stock=A']);
  });

  it('are rejected each in their own words, and the next owner keeps to that', async () => {
    const { orders, stocks } = instance('a');
    const early = [await orders.execute(confirm('early')), await stocks.execute(reserve('early', 2))];
    assert.deepEqual(early, [
      { kind: 'rejected', rejection: { code: 'ALREADY_DECIDED' } },
      { kind: 'rejected', rejection: { code: 'OUT_OF_STOCK' } },
    ]);
    giveAllTo('a');
    await Promise.all([orders.execute(place('1')), stocks.execute(add('1', 5))]);
    // They could be taken by now.
    assert.deepEqual([await orders.execute(confirm('early')), await stocks.execute(reserve('early', 2))], early);
    const later = await Promise.all([orders.execute(confirm('later')), stocks.execute(reserve('later', 2))]);
    assert.deepEqual(
      later.map(({ kind }) => kind),
      ['committed', 'committed'],
    );
    assert.deepEqual(troubles, []);
  });

  it("take no history of another type's for their own", async () => {
    const event = stock.codec.encode({ type: 'StockAdded', amount: 1 });
    await journal.append('A', 0, someCommit('foreign', { events: [event] }));
    await assert.rejects(instance('a').orders.execute(place('1')), { kind: 'data-loss' });
    await assert.rejects(instance('b').orders.inspect('A', steadyNow() + 1_000), { kind: 'data-loss' });
    assert.equal((await readAll(journal, 'A')).length, 1);
  });

  it("cannot be got at by an id that says another type's name", async () => {
    await instance('a').stocks.execute(add('1', 3));
    await assert.rejects(instance('a').orders.execute({ ...place('2'), aggregateId: 'stock=A' }), {
      reason: 'HOSTILE_ID',
    });
    assert.equal((await readAll(journal, 'stock=A')).length, 1);
  });

  it('are refused, and not applied, by an instance of an older version that does not know one of them', async () => {
    instances.set('b', openInstance('b', { hasStock: false }));
    giveAllTo('b');
    await assert.rejects(instance('a').stocks.execute(add('1', 3)), {
      kind: 'unavailable',
      reason: 'UNKNOWN_AGGREGATE_TYPE',
    });
    assert.equal((await instance('a').orders.execute(place('1'))).kind, 'committed');
    giveAllTo('a');
    const repeat = await instance('a').stocks.execute(add('1', 3));
    assert.ok(repeat.kind === 'committed' && !repeat.repeated);
  });
});
