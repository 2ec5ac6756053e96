import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { accept, reject } from '../kernel/decider.js';
import { Fault } from '../kernel/fault.js';
import { steadyNow } from '../kernel/steady-clock.js';
import { InMemoryJournal } from '../testing/in-memory-journal.js';
import { InMemoryRejectionLog } from '../testing/in-memory-rejection-log.js';
import { ToldMembership } from '../testing/told-membership.js';
import { AggregateHost } from './aggregate-host.js';
import type { CommandEnvelope } from './aggregate-model.js';
import type { CommandBus, RoutedCommand } from './command-bus.js';
import { CommandRouter } from './command-router.js';
import { EventCodec } from '../journal/event-codec.js';
import { PartitionOwnership } from '../ownership/partition-ownership.js';

type Added = { readonly type: 'Added'; readonly amount: number };
const events = new EventCodec<Added>({
  Added: {
    schemaVersion: 1,
    encode: ({ amount }) => Buffer.from([amount]),
    decode: (data) => ({ type: 'Added', amount: data[0] ?? 0 }),
  },
});
/** This amount is refused as long as there is nothing yet. */
const AMOUNT_FOR_LATER = 2;
const trace = { requestId: 'x', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };

function add(commandId: string, deadlineMs = 5_000): CommandEnvelope<number> {
  const base = { aggregateId: 'A', command: 1, commandType: 'Add', commandId, fingerprint: 'f' };
  return { ...base, trace, deadline: Date.now() + deadlineMs };
}

describe('CommandRouter', () => {
  let journal: InMemoryJournal;
  let agreement: ToldMembership;
  let sent: { correlation: string; command: RoutedCommand }[];
  let send: () => Promise<void>;

  function openRouter(maxRouted = 10, membership = agreement): CommandRouter<number, Added, number, string> {
    const decider = {
      initialState: 0,
      decide: (amount: number, total: number) =>
        amount === AMOUNT_FOR_LATER && total === 0 ? reject('EMPTY') : accept<Added>({ type: 'Added', amount }),
      evolve: (total: number, { amount }: Added) => total + amount,
    };
    const model = { decider, codec: events, estimateBytes: () => 1 };
    const host = new AggregateHost<number, Added, number, string>(() => model, {
      journal,
      onCommitted: () => undefined,
    });
    const ownership = new PartitionOwnership(membership, 4);
    ownership.onChange((_changed, { lost }) => host.forget((id) => lost.has(ownership.partitionOf(id))));
    const bus: CommandBus = {
      open: async () => undefined,
      serve: async () => undefined,
      close: async () => undefined,
      send: async (_partition, correlation, command) => {
        await send();
        sent.push({ correlation, command });
      },
    };
    const commands = {
      encodeCommand: (amount: number) => Buffer.from([amount]),
      decodeCommand: (data: Uint8Array) => data[0] ?? 0,
      encodeRejection: (rejection: string) => Buffer.from(rejection),
      decodeRejection: (data: Uint8Array) => Buffer.from(data).toString(),
    };
    const rejections = new InMemoryRejectionLog();
    const typeOf = () => ({ commands, codec: events });
    return new CommandRouter({ host, ownership, bus, rejections, typeOf, maxRouted, keepRejectionsMs: 500 });
  }

  beforeEach(() => {
    journal = new InMemoryJournal();
    agreement = new ToldMembership();
    sent = [];
    send = async () => undefined;
  });

  it('handles its own at once, and hands the others over', async () => {
    const somebody = new ToldMembership('somebody');
    const [owner, other] = [openRouter(10, somebody), openRouter()];
    for (const membership of [somebody, agreement]) membership.giveAllTo('somebody');
    const routed = other.execute(add('1'));
    assert.equal(sent.length, 0);
    await new Promise(setImmediate);
    const [first] = sent;
    assert.ok(first);
    const answer = await owner.onCommand(first.command);
    assert.ok(answer);
    other.onAnswer(first.correlation, answer);
    const events: Added[] = [{ type: 'Added', amount: 1 }];
    assert.deepEqual(await routed, { kind: 'committed', version: 1, events, repeated: false });
    assert.equal((await other.inspect('A', Date.now() + 1_000)).version, 1, 'read from the journal');
  });

  it('carries out itself what it has handed over, when the partition becomes its own', async () => {
    const router = openRouter();
    agreement.giveAllTo('somebody');
    const routed = router.execute(add('1'));
    agreement.giveAllTo('me');
    assert.equal((await routed).kind, 'committed');
    assert.equal((await router.execute(add('2'))).kind, 'committed');
    assert.equal(sent.length, 1, 'nothing more was handed over');
  });

  it('answers nothing from memory once it may have been taken for dead, and forgets it', async () => {
    const router = openRouter();
    agreement.giveAllTo('me');
    await router.execute(add('1'));
    agreement.current = false;
    const routed = router.execute(add('2'));
    // Meanwhile another owner has gone on.
    const commit = { commandId: 'x', fingerprint: 'f', commandType: 'Add', time: 0, trace, events: [] };
    await journal.append('A', 1, commit);
    agreement.renew();
    const outcome = await routed;
    assert.ok(outcome.kind === 'committed' && outcome.version === 3);
    assert.equal((await router.inspect('A', Date.now() + 1_000)).version, 3);
  });

  it('rejects a command again that it has rejected, though it could take it now, for a time', async () => {
    const router = openRouter();
    agreement.giveAllTo('me');
    const first = { ...add('1', 400), command: Buffer.from([AMOUNT_FOR_LATER]) };
    const answers = [router.onCommand(first), router.execute(add('2')), router.onCommand(first)];
    assert.deepEqual(await Promise.all(answers.map(async (answer) => (await answer)?.kind)), [
      ...['rejected', 'committed', 'rejected'],
    ]);
    const repeat = { ...add('1'), command: AMOUNT_FOR_LATER };
    assert.equal((await router.execute(repeat)).kind, 'rejected');
    assert.equal((await router.execute({ ...repeat, fingerprint: 'another' })).kind, 'committed');
    await delay(1_200);
    await assert.rejects(router.execute(repeat), (error: Fault) => error.reason === 'REQUEST_ID_REUSED');
  });

  it('lets a repeat go on when the attempt before it has no more time', async () => {
    const router = openRouter();
    agreement.giveAllTo('me');
    let isAway = true;
    const append = journal.append.bind(journal);
    journal.append = async (...commit) => (isAway ? Promise.reject(new Error('away')) : append(...commit));
    const first = assert.rejects(router.execute(add('1', 50)), (error: Fault) => error.kind === 'unavailable');
    const repeat = router.execute(add('1', 5_000));
    await first;
    isAway = false;
    assert.equal((await repeat).kind, 'committed');
  });

  it('believes a rejection only when every copy is rejected, and a commit at once', async () => {
    for (const last of ['rejected', 'committed'] as const) {
      sent = [];
      const router = openRouter();
      agreement.giveAllTo('somebody');
      let isSettled = false;
      const routed = router.execute(add('1')).finally(() => (isSettled = true));
      await new Promise(setImmediate);
      router.onReturn();
      await new Promise(setImmediate);
      const [one, two] = sent;
      assert.ok(one && two);
      router.onAnswer(one.correlation, { kind: 'rejected', rejection: Buffer.from('EMPTY') });
      router.onAnswer(one.correlation, { kind: 'rejected', rejection: Buffer.from('EMPTY') });
      await new Promise(setImmediate);
      assert.equal(isSettled, false);
      const committed = { kind: 'committed', version: 1, events: [], repeated: false } as const;
      router.onAnswer(
        two.correlation,
        last === 'committed' ? committed : { kind: 'rejected', rejection: Buffer.from('LATER') },
      );
      assert.deepEqual(await routed, last === 'committed' ? committed : { kind: 'rejected', rejection: 'EMPTY' });
    }
  });

  it('gives back what it could not begin before it may have been taken for dead', async () => {
    const router = openRouter();
    agreement.giveAllTo('me');
    await router.execute(add('1'));
    // It wins the race for version 2, so that this one is decided a second time.
    await journal.append('A', 1, { commandId: 'x', fingerprint: 'f', commandType: 'Add', time: 0, trace, events: [] });
    const given = router.onCommand({ ...add('2'), command: Buffer.from([1]) });
    agreement.current = false;
    assert.equal(await given, undefined);
    const versions: number[] = [];
    for await (const { version } of journal.read('A', 1)) versions.push(version);
    assert.deepEqual(versions, [1, 2]);
  });

  it('gives back a command that it gets once it may have been taken for dead', async () => {
    const router = openRouter();
    agreement.giveAllTo('me');
    agreement.current = false;
    const command = { ...add('1'), command: Buffer.from([1]) };
    assert.equal(await router.onCommand(command), undefined);
    agreement.renew();
    assert.equal((await router.onCommand(command))?.kind, 'committed');
  });

  it('does not mind that the clock jumps, forwards or back, while commands wait or before they come', async () => {
    const now = Date.now;
    try {
      for (const jumpMs of [3_600_000, -3_600_000]) {
        journal = new InMemoryJournal();
        sent = [];
        const other = new ToldMembership('other');
        const [owner, router] = [openRouter(), openRouter(10, other)];
        for (const membership of [agreement, other]) membership.giveAllTo('me');
        const own = owner.execute(add('1'));
        const routed = router.execute(add('2'));
        await new Promise(setImmediate);
        Date.now = () => now() + jumpMs;
        assert.equal((await own).kind, 'committed');
        assert.equal((await owner.execute({ ...add('3'), deadline: steadyNow() + 5_000 })).kind, 'committed');
        const [first] = sent;
        assert.ok(first);
        const answer = await owner.onCommand(first.command);
        assert.ok(answer?.kind === 'committed');
        router.onAnswer(first.correlation, answer);
        assert.equal((await routed).kind, 'committed');
        Date.now = now;
      }
    } finally {
      Date.now = now;
    }
  });

  it('says at the deadline why there is no answer', async () => {
    const router = openRouter();
    agreement.giveAllTo('somebody');
    await assert.rejects(router.execute(add('1', 30)), (error: Fault) => error.kind === 'deadline-exceeded');
    send = () => Promise.reject(new Error('no NATS'));
    await assert.rejects(router.execute(add('2', 200)), (error: Fault) => error.kind === 'unavailable');
  });

  it('says at once that the bus is full, but not of what an owner may have by then', async () => {
    const router = openRouter();
    agreement.giveAllTo('somebody');
    const full = new Fault('exhausted', 'COMMAND_BUS_FULL', 'full');
    send = () => Promise.reject(full);
    await assert.rejects(router.execute(add('1', 60_000)), full);
    send = async () => undefined;
    const routed = router.execute(add('2'));
    await new Promise(setImmediate);
    send = () => Promise.reject(full);
    router.onReturn();
    await new Promise(setImmediate);
    const [taken] = sent;
    assert.ok(taken);
    router.onAnswer(taken.correlation, { kind: 'committed', version: 1, events: [], repeated: false });
    assert.equal((await routed).kind, 'committed');
  });

  it('refuses more than its bound, and takes commands again afterwards', async () => {
    const router = openRouter(2);
    agreement.giveAllTo('somebody');
    const waiting = [router.execute(add('1')), router.execute(add('2'))];
    await assert.rejects(router.execute(add('3')), (error: Fault) => error.kind === 'exhausted');
    await new Promise(setImmediate);
    for (const { correlation } of sent) {
      router.onAnswer(correlation, { kind: 'failed', fault: 'data-loss', reason: 'GAP', message: 'a gap' });
    }
    for (const each of waiting) await assert.rejects(each, (error: Fault) => error.reason === 'GAP');
    await Promise.race([router.execute(add('4', 50)), new Promise(setImmediate)]);
  });
});
