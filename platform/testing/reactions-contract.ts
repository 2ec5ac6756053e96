import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { ulid } from 'ulid';
import { AggregateHost } from '../commands/aggregate-host.js';
import type { AggregateModel } from '../commands/aggregate-model.js';
import { aggregateIdOf } from '../journal/aggregate-id.js';
import type { FeedReader, FeedWriter } from '../journal/feed.js';
import type { Commit, Journal } from '../journal/journal.js';
import { Fault } from '../kernel/fault.js';
import { steadyNow } from '../kernel/steady-clock.js';
import { Projector } from '../projection/projector.js';
import type { ProjectionChange, ProjectionCheckpoint, ProjectionStore } from '../projection/projection-store.js';
import { effectReaction, type EffectReactionOptions } from '../reactions/effect-reaction.js';
import { processModel } from '../reactions/process-manager.js';
import { processReaction, type CommandTarget } from '../reactions/process-reaction.js';
import { ReactingStore } from '../reactions/reacting-store.js';
import type { Reaction } from '../reactions/reaction.js';
import type { ReactionOperations } from '../reactions/reaction-operations.js';
import { shopContext } from './sample/context.js';
import {
  fulfilment,
  order,
  stock,
  type Line,
  type OrderCommand,
  type ShopEvent,
  type ShopRejection,
  type StockCommand,
} from './sample/shop.js';

/** Journal, feed and a reaction's position of their own for one test. */
export interface ReactionsUnderTest {
  readonly journal: Journal;
  readonly feed: { readonly reader: FeedReader; readonly writer: FeedWriter };
  /** A further access to the position of the reaction, as of another process. */
  newStore(): ProjectionStore;
  readonly operations: ReactionOperations;
  close?(): Promise<void>;
}

const trace = { requestId: 'test', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
const timeoutMs = 5_000;

/** What every reaction keeps to, by its position's store, its journal and its feed. `open` gives new, empty ones. */
export function describeReactionsContract(name: string, open: () => Promise<ReactionsUnderTest>): void {
  describe(`reactions contract: ${name}`, () => {
    let backend: ReactionsUnderTest;
    let running: (() => Promise<unknown>)[];
    beforeEach(async () => {
      backend = await open();
      running = [];
    });
    afterEach(async () => {
      await Promise.all(running.map((stop) => stop()));
      await backend.close?.();
    });

    function hostOf<Command, Event extends { readonly type: string }, State, Rejection>(
      model: AggregateModel<Command, Event, State, Rejection>,
    ): AggregateHost<Command, Event, State, Rejection> {
      const { journal, feed } = backend;
      const host = new AggregateHost(() => model, { journal, onCommitted: (commit) => feed.writer.publish(commit) });
      running.push(() => host.drain());
      return host;
    }

    /** Types of aggregates in one process, as the sample's command process has them. */
    function openShop() {
      const [orders, stocks] = [hostOf(order), hostOf(stock)];
      const send = (type: string, id: string, command: OrderCommand | StockCommand, commandId = ulid()) => {
        const aggregateId = aggregateIdOf(shopContext, type, id);
        const deadline = steadyNow() + timeoutMs;
        const envelope = { aggregateId, commandType: command.type, commandId, fingerprint: 'test', trace, deadline };
        return type === 'order'
          ? orders.execute({ ...envelope, command: command as OrderCommand })
          : stocks.execute({ ...envelope, command: command as StockCommand });
      };
      const target = (type: string): CommandTarget<OrderCommand | StockCommand, ShopRejection> => ({
        execute: ({ aggregateId, command, commandId }) => send(type, aggregateId, command, commandId),
        async hasTaken(id, commandId) {
          const commits = await history(type, id);
          return commits.some((commit) => commit.commandId === commandId);
        },
      });
      return {
        targets: { order: target('order'), stock: target('stock') },
        add: (article: string, amount: number) => send('stock', article, { type: 'AddStock', amount }),
        place: (id: string, ...lines: Line[]) => send('order', id, { type: 'PlaceOrder', lines }),
        send,
      };
    }
    type Shop = ReturnType<typeof openShop>;

    async function history(type: string, id: string): Promise<Commit[]> {
      const commits: Commit[] = [];
      for await (const commit of backend.journal.read(aggregateIdOf(shopContext, type, id), 1)) commits.push(commit);
      return commits;
    }
    async function eventsOf(type: string, id: string): Promise<ShopEvent[]> {
      return (await history(type, id)).flatMap(({ events }) => events.map((event) => shopContext.codec.decode(event)));
    }
    const typesOf = async (type: string, id: string) => (await eventsOf(type, id)).map((event) => event.type);
    async function lengths(): Promise<Record<string, number>> {
      const versions: [string, number][] = [];
      for await (const { aggregateId, version } of backend.journal.list()) versions.push([aggregateId, version]);
      return Object.fromEntries(versions.sort(([left], [right]) => (left < right ? -1 : 1)));
    }

    function fulfil(shop: Shop, dies: Death = immortal): Reaction {
      const host = hostOf(processModel(fulfilment));
      const mortal = (target: Shop['targets']['order']): Shop['targets']['order'] => ({
        hasTaken: (...args) => target.hasTaken(...args),
        execute: (envelope) => dies.around(() => target.execute(envelope)),
      });
      return processReaction({
        manager: fulfilment,
        context: shopContext,
        host: {
          execute: (envelope) => dies.around(() => host.execute(envelope)),
          inspect: (...args) => host.inspect(...args),
        },
        targets: { order: mortal(shop.targets.order), stock: mortal(shop.targets.stock) },
        timeoutMs,
      });
    }

    function start(reaction: Reaction, dies: Death = immortal) {
      const parked: string[] = [];
      const saved = new Set<string>();
      const stored = backend.newStore();
      const mortal: ProjectionStore = {
        loadCheckpoint: () => stored.loadCheckpoint(),
        loadVersions: (ids) => stored.loadVersions(ids),
        loadParkedVersions: () => stored.loadParkedVersions(),
        save: (change: ProjectionChange, seen: ProjectionCheckpoint) =>
          change.commits.length === 0 ? stored.save(change, seen) : dies.around(() => stored.save(change, seen)),
      };
      const projector = new Projector({
        feed: backend.feed.reader,
        journal: backend.journal,
        store: new ReactingStore(mortal, reaction),
        observer(event) {
          if (event.kind === 'projected') {
            for (const { aggregateId, version } of event.commits) saved.add(`${aggregateId}:${version}`);
          }
          if (event.kind === 'parked') parked.push(event.aggregateId);
        },
        checkEveryMs: 20,
        maxRetryMs: 20,
      });
      projector.start();
      let stopping: Promise<void> | undefined;
      const stop = () => (stopping ??= projector.drain());
      running.push(stop);
      return { projector, parked, saved, stop };
    }

    /** More commands than an aggregate remembers. */
    async function makeForgetful(article: string, shop: Shop): Promise<void> {
      for (let round = 0; round < 2; round += 1) {
        await Promise.all(Array.from({ length: 501 }, () => shop.add(article, 1)));
      }
    }

    const decided = async (...orders: string[]) => {
      const types = await Promise.all(orders.map((id) => typesOf('order', id)));
      return types.every((events) => events.length === 2);
    };

    it('gives the commands that follow from a commit, and compensates what was rejected', async () => {
      const shop = openShop();
      await shop.add('chair', 10);
      start(fulfil(shop));
      await shop.place('A', { article: 'chair', amount: 4 });
      await shop.place('B', { article: 'chair', amount: 5 }, { article: 'desk', amount: 1 });
      await until(() => decided('A', 'B'));
      assert.deepEqual(await typesOf('order', 'A'), ['OrderPlaced', 'OrderConfirmed']);
      assert.deepEqual(await typesOf('order', 'B'), ['OrderPlaced', 'OrderRefused']);
      const kinds = await typesOf('stock', 'chair');
      assert.deepEqual(kinds.toSorted(), ['ReservationReleased', 'StockAdded', 'StockReserved', 'StockReserved']);
      assert.deepEqual(await typesOf('stock', 'desk'), []);
    });

    it('names each command by the commit that caused it', async () => {
      const shop = openShop();
      await shop.add('chair', 1);
      start(fulfil(shop));
      await shop.place('A', { article: 'chair', amount: 1 });
      await until(() => decided('A'));
      const ids = [(await history('stock', 'chair'))[1]?.commandId, (await history('order', 'A'))[1]?.commandId];
      assert.deepEqual(ids, ['fulfilment=A/A:1', 'fulfilment=A/A:1.1']);
    });

    it('changes nothing when all is carried out again, even what the aggregates have forgotten', async () => {
      const shop = openShop();
      await shop.add('chair', 10);
      const { saved } = start(fulfil(shop));
      await shop.place('A', { article: 'chair', amount: 4 });
      await until(() => decided('A'));
      await makeForgetful('chair', shop);
      await until(() => saved.has('stock=chair:1004'));
      const before = await lengths();
      saved.clear();
      const from = Object.keys(before).map((aggregateId) => ({ aggregateId, version: 1 }));
      assert.equal(await backend.operations.replay(from), from.length);
      await backend.feed.writer.announceTakeover();
      await until(() => saved.has('A:1') && saved.has('stock=chair:1004'));
      assert.deepEqual(await lengths(), before);
    });

    it('loses nothing and does nothing twice, wherever it dies, though the aggregates forget meanwhile', async () => {
      const lines = [
        { article: 'chair', amount: 1 },
        { article: 'desk', amount: 1 },
        { article: 'lamp', amount: 1 },
      ];
      let [isSurvived, isForgotten] = [false, false];
      for (let step = 1; !isSurvived; step += 1) {
        const id = `order-${step}`;
        const shop = openShop();
        const [chair, desk] = [`chair-${step}`, `desk-${step}`];
        await Promise.all([shop.add(chair, 3), shop.add(desk, 3)]);
        const dies = new Death(step);
        const first = start(fulfil(shop, dies), dies);
        await shop.place(id, ...lines.map(({ article, amount }) => ({ article: `${article}-${step}`, amount })));
        await until(() => dies.isDead || first.saved.has(`${id}:1`));
        await first.stop();
        isSurvived = !dies.isDead;
        const lastSteps = (await eventsOf('fulfilment', id)).flatMap((event) => ('step' in event ? [event.step] : []));
        const isGiven = (await typesOf('stock', chair)).includes('StockReserved');
        if (isGiven && lastSteps.join() === 'begun' && !isForgotten) {
          // The stock's memory is full of others: only its history knows what was given, and not yet answered.
          await makeForgetful(chair, shop);
          isForgotten = true;
        }
        // Hosts of another process, which know nothing.
        const second = start(fulfil(openShop()));
        await until(() => decided(id));
        await until(async () => (await backend.newStore().loadVersions([id])).has(id));
        await second.stop();
        assert.deepEqual(await typesOf('order', id), ['OrderPlaced', 'OrderRefused'], `died at ${step}`);
        for (const article of [chair, desk]) {
          const events = (await eventsOf('stock', article)).filter(({ type }) => type !== 'StockAdded');
          const expected = ['StockReserved', 'ReservationReleased'];
          assert.deepEqual(
            events.map(({ type }) => type),
            expected,
            `${article}, died at ${step}`,
          );
        }
      }
      assert.ok(isForgotten);
    });

    it('refuses the late save of one that was overtaken, and what that had given counts once', async () => {
      const shop = openShop();
      await shop.add('chair', 10);
      const zombie = new Held();
      const late = new ReactingStore(backend.newStore(), fulfil({ ...shop, targets: zombie.hold(shop.targets) }));
      const seen = await late.loadCheckpoint();
      await shop.place('A', { article: 'chair', amount: 4 });
      const commits = await history('order', 'A');
      const saving = late.save({ commits, parked: [], position: { feedIdentity: 'x', sequence: 1 } }, seen);
      const refused = assert.rejects(saving);
      await zombie.isWaiting;
      const { saved } = start(fulfil(shop));
      await until(async () => saved.has('A:1') && (await decided('A')));
      zombie.release();
      await refused;
      assert.deepEqual(await typesOf('order', 'A'), ['OrderPlaced', 'OrderConfirmed']);
      assert.deepEqual(await typesOf('stock', 'chair'), ['StockAdded', 'StockReserved']);
      // Its fence has moved: it does not even begin.
      const again = late.save({ commits, parked: [], position: { feedIdentity: 'x', sequence: 1 } }, seen);
      await assert.rejects(again, { name: 'CheckpointMoved' });
    });

    describe('with effects', () => {
      /** Delivers mail of orders, unless told otherwise. */
      function mail(faultOf: (id: string, tries: number) => Error | undefined, limits: Limits = {}) {
        const sent: string[] = [];
        const tries = new Map<string, number>();
        const reaction = effectReaction<ShopEvent>({
          name: 'mail',
          inputs: shopContext.codec,
          async deliver({ event, aggregateId, effectId }) {
            if (event.type !== 'OrderPlaced' && event.type !== 'OrderRefused') return;
            tries.set(aggregateId, (tries.get(aggregateId) ?? 0) + 1);
            const fault = faultOf(aggregateId, tries.get(aggregateId) ?? 0);
            if (fault !== undefined) throw fault;
            sent.push(effectId);
          },
          maxRetryMs: 25,
          ...limits,
        });
        return { reaction, sent, tries };
      }
      type Limits = Partial<Pick<EffectReactionOptions<ShopEvent>, 'maxTries' | 'breakAfter' | 'breakForMs'>>;
      const away = new Fault('unavailable', 'MAIL_AWAY', 'no answer');
      const poison = new Error('no such address');
      const lines = { article: 'chair', amount: 1 };

      it('tries again what failed for the moment, and names it alike each time', async () => {
        const shop = openShop();
        const { reaction, sent } = mail((_id, tries) => (tries < 3 ? away : undefined));
        const { parked } = start(reaction);
        await shop.place('A', lines);
        await until(() => sent.length === 1);
        assert.deepEqual(sent, ['mail/A:1.0']);
        assert.deepEqual(parked, []);
      });

      it('parks only the aggregate that cannot go on, and keeps its later events in order until it is retried', async () => {
        const shop = openShop();
        let isMended = false;
        const { reaction, sent, tries } = mail((id) => (id === 'A' && !isMended ? poison : undefined));
        const { parked, saved } = start(reaction);
        await shop.place('A', lines);
        await until(() => parked.length === 1);
        await shop.send('order', 'A', { type: 'RefuseOrder', reason: 'later' });
        for (const id of ['B', 'C']) await shop.place(id, lines);
        await until(() => saved.has('B:1') && saved.has('C:1'));
        assert.deepEqual(sent.toSorted(), ['mail/B:1.0', 'mail/C:1.0']);
        assert.equal(tries.get('A'), 1);
        isMended = true;
        assert.equal(await backend.operations.retry('A'), true);
        await backend.feed.writer.announceTakeover();
        await until(() => sent.length === 4);
        assert.deepEqual(sent.slice(2), ['mail/A:1.0', 'mail/A:2.0']);
        assert.deepEqual([...(await backend.newStore().loadParkedVersions())], []);
        assert.equal(await backend.operations.retry('A'), false);
      });

      it('goes on behind what an operator skips', async () => {
        const shop = openShop();
        const { reaction, sent } = mail((id, tries) => (id === 'A' && tries === 1 ? poison : undefined));
        const { parked } = start(reaction);
        await shop.place('A', lines);
        await until(() => parked.length === 1);
        await shop.send('order', 'A', { type: 'RefuseOrder', reason: 'later' });
        assert.equal(await backend.operations.skip('A', 'first'), true);
        await backend.feed.writer.announceTakeover();
        await until(() => sent.length === 1);
        assert.deepEqual(sent, ['mail/A:2.0']);
      });

      it('gives up on what fails again and again, and on nothing while all fails', async () => {
        const shop = openShop();
        let isAway = true;
        const limits = { maxTries: 8, breakAfter: 3, breakForMs: 30 };
        const { reaction, sent, tries } = mail((id) => (isAway || id === 'A' ? away : undefined), limits);
        const ids = ['A', 'B', 'C', 'D', 'E', 'F'];
        for (const id of ids) await shop.place(id, lines);
        const { parked } = start(reaction);
        await until(() => [...tries.values()].reduce((sum, count) => sum + count, 0) >= 4);
        isAway = false;
        await until(() => sent.length === 5 && parked.length === 1);
        assert.deepEqual(parked, ['A']);
      });

      it('carries out nothing while paused, and all of it afterwards', async () => {
        const shop = openShop();
        const { reaction, sent } = mail(() => undefined);
        const { saved } = start(reaction);
        await shop.place('A', lines);
        await until(() => saved.has('A:1'));
        await backend.operations.pause();
        await shop.place('B', lines);
        await delay(100);
        assert.deepEqual(sent, ['mail/A:1.0']);
        await backend.operations.resume();
        await until(() => sent.length === 2);
      });
    });
  });
}

/** Dies at a step, before or after it: from then on nothing comes of whatever it begins. */
class Death {
  #steps = 0;
  isDead = false;

  constructor(private readonly at: number) {}

  async around<T>(work: () => Promise<T>): Promise<T> {
    this.#step();
    const done = await work();
    this.#step();
    return done;
  }

  #step(): void {
    this.#steps += 1;
    this.isDead ||= this.#steps === this.at;
    if (this.isDead) throw new Fault('unavailable', 'DEAD', 'this process is dead');
  }
}
const immortal = new Death(0);

/** Holds the first command on its way until it is released. */
class Held {
  release: () => void = () => undefined;
  readonly #released = new Promise<void>((resolve) => (this.release = resolve));
  #arrive: () => void = () => undefined;
  readonly isWaiting = new Promise<void>((resolve) => (this.#arrive = resolve));

  hold<Target extends CommandTarget<never, unknown>>(targets: Record<'order' | 'stock', Target>) {
    const held = (target: Target): Target => ({
      ...target,
      execute: async (envelope: Parameters<Target['execute']>[0]) => {
        this.#arrive();
        await this.#released;
        return target.execute(envelope);
      },
    });
    return { order: held(targets.order), stock: held(targets.stock) };
  }
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (let waited = 0; !(await isSo()); waited += 5) {
    if (waited > 10_000) throw new Error('it did not come to that');
    await delay(5);
  }
}
