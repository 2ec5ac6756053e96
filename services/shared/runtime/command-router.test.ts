import assert from 'node:assert/strict';
import { accept, reject } from '../kernel/decider.js';
import { Fault } from '../kernel/fault.js';
import { InMemoryJournal } from '../testing/in-memory-journal.js';
import { AggregateHost } from './aggregate-host.js';
import type { CommandEnvelope } from './aggregate-model.js';
import { assignPartitions, type Assignment } from './assignment.js';
import type { CommandBus, RoutedCommand } from './command-bus.js';
import { CommandRouter } from './command-router.js';
import { EventCodec } from './event-codec.js';
import type { Membership } from './membership.js';
import { PartitionOwnership } from './partition-ownership.js';

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

/** What the members agree on, as a test says. */
class Agreement implements Membership {
  readonly self = 'me';
  readonly members = [];
  readonly hasLeft = false;
  assignment: Assignment | undefined;
  term = 1;
  current = true;
  #listener: () => void = () => undefined;
  isCurrent = (): boolean => this.current;
  join = async (): Promise<void> => undefined;
  leave = async (): Promise<void> => undefined;
  close = async (): Promise<void> => undefined;

  onChange(listener: () => void): () => void {
    this.#listener = listener;
    return () => undefined;
  }

  giveAllTo(member: string): void {
    this.assignment = assignPartitions([member], 4);
    this.#listener();
  }

  renew(): void {
    this.current = true;
    this.term += 1;
    this.#listener();
  }
}

describe('CommandRouter', () => {
  let journal: InMemoryJournal;
  let agreement: Agreement;
  let sent: { correlation: string; command: RoutedCommand }[];
  let send: () => Promise<void>;

  function openRouter(maxRouted = 10): CommandRouter<number, Added, number, string> {
    const decider = {
      initialState: 0,
      decide: (amount: number, total: number) =>
        amount === AMOUNT_FOR_LATER && total === 0 ? reject('EMPTY') : accept<Added>({ type: 'Added', amount }),
      evolve: (total: number, { amount }: Added) => total + amount,
    };
    const model = { decider, codec: events, estimateBytes: () => 1 };
    const host = new AggregateHost<number, Added, number, string>(model, { journal, onCommitted: () => undefined });
    const ownership = new PartitionOwnership(agreement, 4);
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
    return new CommandRouter({ host, ownership, bus, commands, events, maxRouted });
  }

  beforeEach(() => {
    journal = new InMemoryJournal();
    agreement = new Agreement();
    sent = [];
    send = async () => undefined;
  });

  it('handles its own at once, and hands the others over', async () => {
    const [owner, other] = [openRouter(), openRouter()];
    agreement.giveAllTo('somebody');
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
    assert.equal((await router.inspect('A', Date.now() + 1_000)).version, 3);
    assert.deepEqual((await routed).kind, 'committed');
  });

  it('rejects a copy of a command that it has rejected, though it could take it now, but not a repeat', async () => {
    const router = openRouter();
    agreement.giveAllTo('me');
    const first = { ...add('1'), command: Buffer.from([AMOUNT_FOR_LATER]) };
    const answers = [router.onCommand(first), router.execute(add('2')), router.onCommand(first)];
    assert.deepEqual(await Promise.all(answers.map(async (answer) => (await answer)?.kind)), [
      ...['rejected', 'committed', 'rejected'],
    ]);
    assert.equal((await router.onCommand(first))?.kind, 'rejected');
    assert.equal((await router.onCommand({ ...first, deadline: first.deadline + 1 }))?.kind, 'committed');
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

  it('says at the deadline why there is no answer', async () => {
    const router = openRouter();
    agreement.giveAllTo('somebody');
    await assert.rejects(router.execute(add('1', 30)), (error: Fault) => error.kind === 'deadline-exceeded');
    send = () => Promise.reject(new Error('no NATS'));
    await assert.rejects(router.execute(add('2', 30)), (error: Fault) => error.kind === 'unavailable');
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
