import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { accept, reject } from '../kernel/decider.js';
import { InMemoryJournal } from '../testing/in-memory-journal.js';
import { InMemoryRejectionLog } from '../testing/in-memory-rejection-log.js';
import { ToldMembership } from '../testing/told-membership.js';
import { AggregateHost } from './aggregate-host.js';
import type { CommandEnvelope, CommandOutcome } from './aggregate-model.js';
import type { CommandBus, RoutedCommand } from './command-bus.js';
import { CommandRouter } from './command-router.js';
import { EventCodec } from '../journal/event-codec.js';
import type { Journal } from '../journal/journal.js';
import { PartitionOwnership } from '../ownership/partition-ownership.js';

type Opened = { readonly type: 'Opened' } | { readonly type: 'Entered' };
type Door = 'open' | 'enter';
type Outcome = CommandOutcome<Opened, string>;

const nothing = { schemaVersion: 1, encode: () => Buffer.alloc(0) };
const events = new EventCodec<Opened>({
  Opened: { ...nothing, decode: () => ({ type: 'Opened' }) },
  Entered: { ...nothing, decode: () => ({ type: 'Entered' }) },
});
const codec = {
  encodeCommand: (command: Door) => Buffer.from(command),
  decodeCommand: (data: Uint8Array) => Buffer.from(data).toString() as Door,
  encodeRejection: (rejection: string) => Buffer.from(rejection),
  decodeRejection: (data: Uint8Array) => Buffer.from(data).toString(),
};
const trace = { requestId: 'x', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };

function attempt(command: Door, commandId: string, deadlineMs = 5_000): CommandEnvelope<Door> {
  const base = { aggregateId: 'A', command, commandType: command, commandId, fingerprint: 'f' };
  return { ...base, trace, deadline: Date.now() + deadlineMs };
}
/** Rejected until somebody has opened. */
const enter = (deadlineMs?: number) => attempt('enter', 'enter', deadlineMs);
const open = () => attempt('open', 'open');

/** Lets nothing through while it is shut. */
class Gate {
  #opened = Promise.resolve();
  open: () => void = () => undefined;

  shut(): void {
    this.#opened = new Promise((resolve) => (this.open = resolve));
  }

  pass(): Promise<void> {
    return this.#opened;
  }
}

/** One process: what it believes of the members, and gates at which it can be held up. */
class Instance {
  readonly membership: ToldMembership;
  readonly reads = new Gate();
  readonly writes = new Gate();
  /** Of the rejections. */
  isLogAway = false;
  readonly ownership: PartitionOwnership;
  readonly router: CommandRouter<Door, Opened, boolean, string>;

  constructor(name: string, journal: Journal, log: InMemoryRejectionLog, send: CommandBus['send']) {
    this.membership = new ToldMembership(name);
    this.ownership = new PartitionOwnership(this.membership, 4);
    const { reads, writes } = this;
    const decider = {
      initialState: false,
      decide: (command: Door, isOpen: boolean) =>
        command === 'open'
          ? accept<Opened>({ type: 'Opened' })
          : isOpen
            ? accept<Opened>({ type: 'Entered' })
            : reject('SHUT'),
      evolve: () => true,
    };
    const host = new AggregateHost<Door, Opened, boolean, string>(
      () => ({ decider, codec: events, estimateBytes: () => 1 }),
      {
        journal: {
          append: journal.append.bind(journal),
          list: journal.list.bind(journal),
          read: async function* (id, from) {
            await reads.pass();
            yield* journal.read(id, from);
          },
        },
        onCommitted: () => undefined,
      },
    );
    this.ownership.onChange((_changed, { lost }) => host.forget((id) => lost.has(this.ownership.partitionOf(id))));
    const none = async (): Promise<void> => undefined;
    this.router = new CommandRouter({
      ...{ host, ownership: this.ownership, typeOf: () => ({ commands: codec, codec: events }) },
      bus: { open: none, serve: none, close: none, send },
      rejections: {
        write: async (rejection) => {
          await writes.pass();
          if (this.isLogAway) throw new Error('no log');
          await log.write(rejection);
        },
        read: async (partitions) => (this.isLogAway ? Promise.reject(new Error('no log')) : log.read(partitions)),
      },
    });
  }
}

describe('A command that was rejected', () => {
  let a: Instance;
  let b: Instance;
  let log: InMemoryRejectionLog;
  /** What is sent goes to b while this is so. */
  let isBusMoving: boolean;

  beforeEach(() => {
    const journal = new InMemoryJournal();
    log = new InMemoryRejectionLog();
    isBusMoving = true;
    const deliver = async (correlation: string, command: RoutedCommand): Promise<void> => {
      for (; command.deadline > Date.now(); await delay(5)) {
        const answer = isBusMoving ? await receiver.router.onCommand(command) : undefined;
        if (answer !== undefined) return sender.router.onAnswer(correlation, answer);
      }
    };
    const send: CommandBus['send'] = async (_partition, correlation, command) => void deliver(correlation, command);
    const [sender, receiver] = [new Instance('a', journal, log, send), new Instance('b', journal, log, send)];
    a = sender;
    b = receiver;
  });

  function agreeOn(owner: 'a' | 'b', those = [a, b]): void {
    for (const { membership } of those) membership.giveAllTo(owner);
  }

  async function rejectedBy(instance: Instance, deadlineMs?: number): Promise<void> {
    assert.equal((await instance.router.execute(enter(deadlineMs))).kind, 'rejected');
  }

  async function openBy(instance: Instance): Promise<void> {
    assert.equal((await instance.router.execute(open())).kind, 'committed');
  }

  async function allRejected(outcomes: readonly Promise<Outcome>[]): Promise<void> {
    for (const outcome of outcomes) assert.deepEqual(await outcome, { kind: 'rejected', rejection: 'SHUT' });
  }

  /** Attempts hang in a, which is paused, while b is the owner, rejects one and then could take it. */
  async function hangIn(zombie: Instance): Promise<Promise<Outcome>[]> {
    agreeOn('a');
    zombie.reads.shut();
    const attempts = [zombie.router.execute(enter()), zombie.router.execute(enter(4_000))];
    // Until it reads the journal.
    await delay(5);
    zombie.membership.current = false;
    agreeOn('b', [b]);
    await rejectedBy(b, 100);
    await openBy(b);
    return attempts;
  }

  it('is not applied by a former owner that was paused with earlier attempts at it', async () => {
    const attempts = await hangIn(a);
    a.reads.open();
    await allRejected(attempts);
  });

  it('nor when that one is a member, and the owner, again', async () => {
    const attempts = await hangIn(a);
    a.isLogAway = true;
    agreeOn('a');
    a.membership.renew();
    a.reads.open();
    // What it knows of is only its own time.
    await delay(5);
    a.isLogAway = false;
    await allRejected(attempts);
  });

  it('nor when that one has got the partition back without having been taken for dead', async () => {
    agreeOn('a');
    a.reads.shut();
    const attempts = [a.router.execute(enter())];
    await delay(5);
    agreeOn('b');
    await rejectedBy(b);
    await openBy(b);
    agreeOn('a');
    await delay(5);
    a.reads.open();
    await allRejected(attempts);
  });

  it('nor is one lost that was handed over, came back with its partition, and is given back with it', async () => {
    isBusMoving = false;
    agreeOn('b');
    const opening = a.router.execute(open());
    a.reads.shut();
    agreeOn('a');
    await delay(5);
    agreeOn('b');
    a.reads.open();
    await delay(5);
    isBusMoving = true;
    assert.equal((await opening).kind, 'committed');
  });

  it('is not applied when an earlier attempt, with more time, arrives after it', async () => {
    agreeOn('b');
    isBusMoving = false;
    const attempts = [a.router.execute(enter())];
    await delay(5);
    await rejectedBy(b, 30);
    await openBy(b);
    await delay(50);
    isBusMoving = true;
    await allRejected(attempts);
  });

  it('is not applied by the next owner, whether the one before has left or died', async () => {
    for (const those of [[a, b], [b]]) {
      agreeOn('a');
      await rejectedBy(a);
      agreeOn('b', those);
      const opening = b.router.execute(attempt('open', `open ${those.length}`));
      const later = b.router.execute({ ...enter(), commandId: `other ${those.length}` });
      await allRejected([b.router.execute(enter())]);
      assert.deepEqual([(await opening).kind, (await later).kind], ['committed', 'committed']);
    }
  });

  it('is not told to be rejected by who has lost the partition meanwhile', async () => {
    agreeOn('a');
    a.writes.shut();
    const first = a.router.execute(enter());
    await delay(5);
    a.membership.current = false;
    agreeOn('b', [b]);
    // It has read what was rejected.
    await b.router.inspect('A', Date.now() + 1_000);
    await delay(5);
    a.writes.open();
    await allRejected([first]);
    await openBy(b);
    await allRejected([b.router.execute(enter())]);
  });

  it('is told so only when the next owner will know it; others are not held up', async () => {
    agreeOn('a');
    await delay(5);
    a.isLogAway = true;
    let isAnswered = false;
    const rejected = a.router.execute(enter()).finally(() => (isAnswered = true));
    await assert.rejects(a.router.execute({ ...enter(150), commandId: 'impatient' }), { kind: 'deadline-exceeded' });
    const [before] = await Promise.all([a.router.inspect('A', Date.now() + 1_000), delay(5)]);
    assert.deepEqual([before.version, isAnswered], [0, false]);
    a.isLogAway = false;
    await allRejected([rejected]);
  });

  it('is known to a new owner before that decides anything', async () => {
    agreeOn('a');
    await rejectedBy(a);
    b.isLogAway = true;
    agreeOn('b');
    const opening = b.router.execute(open());
    const attempts = [b.router.execute(enter())];
    await assert.rejects(b.router.execute({ ...enter(30), commandId: 'impatient' }), { kind: 'deadline-exceeded' });
    b.isLogAway = false;
    assert.equal((await opening).kind, 'committed');
    await allRejected(attempts);
  });

  it('has the journal against it: what is there was applied, whatever the log says', async () => {
    agreeOn('a');
    await openBy(a);
    assert.equal((await a.router.execute(enter())).kind, 'committed');
    // As a paused owner leaves it that has not asked the journal any more.
    const partition = b.ownership.partitionOf('A');
    await log.write({ partition, key: 'A enter f', rejection: Buffer.from('SHUT') });
    agreeOn('b');
    const repeated = await b.router.execute(enter());
    assert.ok(repeated.kind === 'committed' && repeated.repeated);
  });
});
