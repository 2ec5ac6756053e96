import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { accept, reject } from '../kernel/decider.js';
import { InMemoryJournal } from '../testing/in-memory-journal.js';
import { InMemorySnapshotStore } from '../testing/in-memory-snapshot-store.js';
import { readAll, someCommit } from '../testing/journal-contract.js';
import { UnreliableJournal, type Mishap } from '../testing/unreliable-journal.js';
import { AggregateHost, type AggregateHostOptions } from './aggregate-host.js';
import type { AggregateModel, CommandEnvelope } from './aggregate-model.js';
import { EventCodec } from './event-codec.js';
import type { Commit } from './journal.js';

/** A counter that goes up by what is asked, to at most 1,000; by 0 changes nothing. */
type Added = { readonly type: 'Added'; readonly amount: number };
type Rejection = { readonly code: 'TOO_MUCH'; readonly total: number };
const counter: AggregateModel<number, Added, number, Rejection> = {
  decider: {
    initialState: 0,
    decide: (amount, total) => {
      if (amount < 0) throw new RangeError('a bug');
      if (total + amount > 1_000) return reject({ code: 'TOO_MUCH', total });
      return amount === 0 ? accept() : accept({ type: 'Added', amount });
    },
    evolve: (total, { amount }) => total + amount,
  },
  codec: new EventCodec<Added>({
    Added: {
      schemaVersion: 1,
      encode: ({ amount }) => Buffer.from(String(amount)),
      decode: (data) => ({ type: 'Added', amount: Number(Buffer.from(data).toString()) }),
    },
  }),
  estimateBytes: () => 100,
  stateFormat: {
    version: 2,
    encode: (total) => Buffer.from(String(total)),
    decode: (data) => {
      const total = Number(Buffer.from(data).toString());
      if (Number.isNaN(total)) throw new Error('no number');
      return total;
    },
  },
};
type CounterHost = AggregateHost<number, Added, number, Rejection>;

const trace = { requestId: 'x', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
let requests = 0;

function add(amount: number, overrides: Partial<CommandEnvelope<number>> = {}): CommandEnvelope<number> {
  requests += 1;
  const base = { aggregateId: 'A', command: amount, commandType: 'Add', commandId: `request-${requests}` };
  return { ...base, fingerprint: `add ${amount}`, trace, deadline: Date.now() + 5_000, ...overrides };
}

describe('AggregateHost', () => {
  let memory: InMemoryJournal;
  let journal: UnreliableJournal;
  let committed: Commit[];
  const hosts: CounterHost[] = [];

  function openHost(options: Partial<AggregateHostOptions> = {}): CounterHost {
    const host = new AggregateHost(counter, {
      journal,
      onCommitted: (commit) => void committed.push(commit),
      ...options,
    });
    hosts.push(host);
    return host;
  }

  beforeEach(() => {
    memory = new InMemoryJournal();
    journal = new UnreliableJournal(memory);
    committed = [];
  });

  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.drain()));
  });

  it('answers with the version and the events, and announces each commit once, in order', async () => {
    const host = openHost();
    const outcomes = await Promise.all([host.execute(add(1)), host.execute(add(2)), host.execute(add(3))]);
    assert.deepEqual(
      outcomes.map((outcome) => outcome.kind === 'committed' && [outcome.version, outcome.events[0]?.amount]),
      [
        [1, 1],
        [2, 2],
        [3, 3],
      ],
    );
    assert.deepEqual(
      committed.map(({ version }) => version),
      [1, 2, 3],
    );
  });

  it('goes on where another host has stopped', async () => {
    await openHost().execute(add(600));
    const outcome = await openHost().execute(add(500));
    assert.deepEqual(outcome, { kind: 'rejected', rejection: { code: 'TOO_MUCH', total: 600 } });
  });

  it('appends without waiting for the append before, and answers only what is in the journal', async () => {
    const host = openHost();
    await host.execute(add(1));
    let appended = 0;
    let open: () => void = () => undefined;
    const gate = new Promise<Mishap>((resolve) => (open = () => resolve('none')));
    const append = memory.append.bind(memory);
    memory.append = async (...args) => {
      appended += 1;
      await gate;
      return append(...args);
    };
    journal = new UnreliableJournal(memory);
    const pipelining = openHost({ journal: memory });
    const answers = [pipelining.execute(add(400)), pipelining.execute(add(400)), pipelining.execute(add(400))];
    const answered: number[] = [];
    for (const [index, answer] of answers.entries()) void answer.then(() => answered.push(index));
    while (appended < 2) await delay(1);
    await delay(5);
    assert.deepEqual(answered, [], 'not even the rejection, which rests on commits that are not written yet');
    open();
    assert.deepEqual(
      (await Promise.all(answers)).map(({ kind }) => kind),
      ['committed', 'committed', 'rejected'],
    );
    assert.deepEqual(answered, [0, 1, 2]);
  });

  describe('repeats', () => {
    it('get the first answer and add nothing: at once, later, after passivation, on another host', async () => {
      const host = openHost();
      const command = add(5);
      const [first, atOnce] = await Promise.all([host.execute(command), host.execute(command)]);
      await host.execute(add(1));
      const later = await host.execute(command);
      const elsewhere = await openHost().execute(command);
      for (const answer of [atOnce, later, elsewhere]) assert.deepEqual(answer, { ...first, repeated: true });
      assert.equal((await readAll(memory, 'A')).length, 2);
    });

    it('of a command that changed nothing get that answer, though it would change something now', async () => {
      const host = openHost();
      const command = add(0);
      assert.deepEqual(await host.execute(command), { kind: 'committed', version: 1, events: [], repeated: false });
      await host.execute(add(1));
      assert.deepEqual(await openHost().execute(command), {
        kind: 'committed',
        version: 1,
        events: [],
        repeated: true,
      });
    });

    it('with other contents are refused', async () => {
      const host = openHost();
      const command = add(5);
      await host.execute(command);
      await assert.rejects(host.execute({ ...command, command: 6, fingerprint: 'add 6' }), {
        reason: 'REQUEST_ID_REUSED',
      });
    });

    it('are known for the last 1,000 requests', async () => {
      const host = openHost({ maxWaitingPerAggregate: 2_000 });
      const first = add(0);
      await host.execute(first);
      const last = Array.from({ length: 1_000 }, () => add(0));
      await Promise.all(last.map((command) => host.execute(command)));
      const [oldest] = last;
      assert.ok(oldest);
      const again = await openHost().execute(oldest);
      assert.ok(again.kind === 'committed' && again.repeated);
      const forgotten = await host.execute(first);
      assert.ok(forgotten.kind === 'committed' && !forgotten.repeated);
    });
  });

  describe('when the journal does not answer', () => {
    for (const mishap of ['not-done', 'answer-lost'] as const) {
      it(`carries each command out once (${mishap})`, async () => {
        const host = openHost();
        await host.execute(add(1));
        let mishaps = 3;
        journal.onAppend = () => (mishaps-- > 0 ? mishap : 'none');
        const outcomes = await Promise.all([10, 20, 30].map((amount) => host.execute(add(amount))));
        assert.ok(outcomes.every(({ kind }) => kind === 'committed'));
        const total = (await host.inspect('A', Date.now() + 1_000)).state;
        assert.equal(total, 61);
        assert.equal((await readAll(memory, 'A')).length, 4);
        assert.deepEqual([...new Set(committed.map(({ version }) => version))], [1, 2, 3, 4]);
      });
    }

    it('says UNAVAILABLE at the deadline, and a repeat finds what was done', async () => {
      const host = openHost();
      await host.execute(add(1));
      journal.onAppend = () => 'answer-lost';
      journal.onRead = () => 'not-done';
      const command = add(7, { deadline: Date.now() + 60 });
      await assert.rejects(host.execute(command), { kind: 'unavailable' });
      journal.onAppend = () => 'none';
      journal.onRead = () => 'none';
      const repeat = await host.execute({ ...command, deadline: Date.now() + 5_000 });
      assert.ok(repeat.kind === 'committed' && repeat.repeated);
      assert.equal((await readAll(memory, 'A')).length, 2);
    });

    it('never begins a command whose deadline has passed while it waited', async () => {
      const host = openHost();
      journal.onRead = () => 'not-done';
      await assert.rejects(host.execute(add(7, { deadline: Date.now() + 30 })), { kind: 'unavailable' });
      journal.onRead = () => 'none';
      await host.execute(add(1));
      assert.equal((await host.inspect('A', Date.now() + 1_000)).state, 1);
    });
  });

  it('decides again when somebody else has appended', async () => {
    const host = openHost();
    await host.execute(add(100));
    const other = openHost();
    await other.execute(add(800));
    const outcomes = await Promise.all([host.execute(add(50)), host.execute(add(60))]);
    assert.equal(outcomes[0].kind, 'committed');
    assert.deepEqual(outcomes[1], { kind: 'rejected', rejection: { code: 'TOO_MUCH', total: 950 } });
  });

  it('creates without reading first, and finds out when there was a history', async () => {
    let reads = 0;
    journal.onRead = () => ((reads += 1), 'none');
    await openHost().execute(add(1, { startsAggregate: true }));
    assert.equal(reads, 0);
    const outcome = await openHost().execute(add(2, { startsAggregate: true }));
    assert.ok(outcome.kind === 'committed' && outcome.version === 2);
  });

  it('fails the command in whose decision a bug strikes, and no other', async () => {
    const host = openHost();
    const [good, bad, after] = await Promise.allSettled(
      [add(1), add(-1), add(2)].map((command) => host.execute(command)),
    );
    assert.deepEqual([good?.status, bad?.status, after?.status], ['fulfilled', 'rejected', 'fulfilled']);
  });

  it('stops an aggregate whose history it cannot read, and no other', async () => {
    const events = [{ type: 'Unheard', schemaVersion: 1, data: Buffer.alloc(0) }];
    await memory.append('A', 0, someCommit('strange', { events }));
    const host = openHost();
    await assert.rejects(host.execute(add(1)), { kind: 'data-loss' });
    await assert.rejects(host.execute(add(1)), { kind: 'data-loss' });
    assert.equal((await host.execute(add(1, { aggregateId: 'B' }))).kind, 'committed');
  });

  describe('memory', () => {
    it('lets an idle aggregate go, and reads it again when it is asked', async () => {
      const host = openHost({ passivateAfterMs: 30 });
      await host.execute(add(3));
      assert.equal(host.size, 1);
      while (host.size > 0) await delay(5);
      assert.equal((await host.inspect('A', Date.now() + 1_000)).state, 3);
    });

    it('lets the least recently used go above a number and above a weight', async () => {
      for (const bounds of [{ maxAggregates: 2 }, { maxBytes: 700 }]) {
        memory = new InMemoryJournal();
        const reads: string[] = [];
        journal = new UnreliableJournal(memory);
        const host = openHost({ journal, ...bounds });
        for (const aggregateId of ['A', 'B', 'A', 'C']) await host.execute(add(1, { aggregateId }));
        assert.equal(host.size, 2);
        journal.onRead = (id) => (reads.push(id), 'none');
        for (const aggregateId of ['C', 'B']) await host.execute(add(1, { aggregateId }));
        assert.deepEqual(reads, ['B']);
      }
    });

    it('does not keep what has no history', async () => {
      const host = openHost();
      await host.execute(add(2_000));
      while (host.size > 0) await delay(1);
    });
  });

  describe('snapshots', () => {
    let store: InMemorySnapshotStore;
    let troubles: string[];
    let reads: number[];

    function openSnapshottingHost(): CounterHost {
      const onTrouble = (_id: string, error: Error): void => void troubles.push(error.message);
      return openHost({ snapshots: { store, everyCommits: 5, onTrouble } });
    }

    async function totalOnNewHost(): Promise<number> {
      return (await openSnapshottingHost().inspect('A', Date.now() + 1_000)).state;
    }

    beforeEach(async () => {
      store = new InMemorySnapshotStore();
      troubles = [];
      reads = [];
      const host = openSnapshottingHost();
      for (let count = 0; count < 12; count += 1) await host.execute(add(1));
      const read = memory.read.bind(memory);
      memory.read = (id, fromVersion) => {
        reads.push(fromVersion);
        return read(id, fromVersion);
      };
    });

    it('are made every so many commits, and only what is behind the last one is read', async () => {
      assert.equal(store.snapshots.get('A')?.version, 10);
      assert.equal(await totalOnNewHost(), 12);
      assert.deepEqual(reads, [10]);
      assert.deepEqual(troubles, []);
    });

    it('are of what is in the journal, though more is on its way', async () => {
      const host = openSnapshottingHost();
      await Promise.all(Array.from({ length: 50 }, () => host.execute(add(1))));
      const snapshot = store.snapshots.get('A');
      assert.ok(snapshot);
      const counted = Buffer.from(snapshot.state).toString();
      assert.equal(counted, String(snapshot.version), 'each commit has added one');
      assert.equal(await totalOnNewHost(), 62);
    });

    describe('saved before a hand-over', () => {
      /** 49 and more commits behind the last snapshot, of which there is none. */
      async function hostWith(commits: Readonly<Record<string, number>>): Promise<CounterHost> {
        const host = openHost({ snapshots: { store, everyCommits: 1_000, onTrouble: () => undefined } });
        for (const [aggregateId, count] of Object.entries(commits)) {
          await Promise.all(Array.from({ length: count }, () => host.execute(add(1, { aggregateId }))));
        }
        return host;
      }

      it('are of those that would be long to load, the longest first', async () => {
        const host = await hostWith({ B: 49, C: 50, D: 60, E: 70 });
        assert.equal(await host.saveSnapshots((id) => id !== 'E', 1_000), 2);
        assert.deepEqual([...store.snapshots.keys()].slice(1), ['D', 'C']);
        assert.equal(store.snapshots.get('D')?.version, 60);
        assert.equal(await host.saveSnapshots(() => true, 1_000), 1, 'not again of what is saved');
      });

      it('are of what is in the journal, while commands go on, and of what is forgotten at once', async () => {
        const host = await hostWith({ B: 60 });
        const going = Array.from({ length: 100 }, () => host.execute(add(1, { aggregateId: 'B' })));
        const saving = host.saveSnapshots(() => true, 1_000);
        host.forget(() => true);
        assert.equal(await saving, 1);
        await Promise.all(going);
        const snapshot = store.snapshots.get('B');
        assert.equal(Buffer.from(snapshot?.state ?? []).toString(), String(snapshot?.version));
        assert.equal((await openSnapshottingHost().inspect('B', Date.now() + 1_000)).state, 160);
      });

      it('are not waited for longer than agreed', async () => {
        const host = await hostWith({ B: 60 });
        store.save = () => new Promise(() => undefined);
        assert.equal(await host.saveSnapshots(() => true, 20), 0);
      });
    });

    it('remember requests', async () => {
      const known = store.snapshots.get('A')?.requests[3];
      assert.ok(known);
      const repeat = add(1, { commandId: known.commandId, fingerprint: known.fingerprint });
      const outcome = await openSnapshottingHost().execute(repeat);
      assert.ok(outcome.kind === 'committed' && outcome.repeated && outcome.version === 4);
    });

    for (const [name, spoil] of [
      ['damaged', { state: Buffer.from('x') }],
      ['older in format', { stateFormat: 1 }],
      ['of another journal', { lastCommandId: 'strange' }],
      ['ahead of the journal', { version: 99 }],
    ] as const) {
      it(`that are ${name} cost only time, and a warning`, async () => {
        const snapshot = store.snapshots.get('A');
        assert.ok(snapshot);
        store.snapshots.set('A', { ...snapshot, ...spoil });
        assert.equal(await totalOnNewHost(), 12);
        assert.ok(reads.includes(1));
        assert.equal(troubles.length, 1);
      });
    }

    it('that cannot be had or saved cost only time, and a warning', async () => {
      store.load = () => Promise.reject(new Error('away'));
      store.save = () => Promise.reject(new Error('away'));
      const host = openSnapshottingHost();
      for (let count = 0; count < 6; count += 1) await host.execute(add(1));
      assert.equal(await totalOnNewHost(), 18);
      assert.ok(troubles.some((trouble) => trouble.includes('not saved')));
      assert.ok(troubles.some((trouble) => trouble.includes('passed over')));
    });
  });

  describe('load', () => {
    it('refuses more than its bounds, and takes commands again afterwards', async () => {
      for (const bounds of [{ maxWaiting: 3 }, { maxWaitingPerAggregate: 3 }]) {
        const host = openHost(bounds);
        const outcomes = await Promise.allSettled(Array.from({ length: 5 }, () => host.execute(add(1))));
        const refused = outcomes.flatMap((outcome) =>
          outcome.status === 'rejected' ? [outcome.reason as { kind: string }] : [],
        );
        assert.deepEqual(
          refused.map(({ kind }) => kind),
          ['exhausted', 'exhausted'],
        );
        assert.equal((await host.execute(add(1))).kind, 'committed');
      }
    });

    it('drains: answers what it has taken and takes no more', async () => {
      const host = openHost();
      const taken = Array.from({ length: 50 }, () => host.execute(add(1)));
      const drained = host.drain();
      await assert.rejects(host.execute(add(1)), { kind: 'unavailable' });
      await drained;
      assert.ok((await Promise.all(taken)).every(({ kind }) => kind === 'committed'));
    });
  });

  it('keeps one history, each command in it once, with two hosts and a bad network', async function () {
    this.timeout(30_000);
    const mishap = fc.constantFrom<Mishap>('none', 'none', 'none', 'not-done', 'answer-lost');
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 90 })), { minLength: 1, maxLength: 30 }),
        fc.array(mishap, { minLength: 1, maxLength: 40 }),
        async (asked, mishaps) => {
          memory = new InMemoryJournal();
          journal = new UnreliableJournal(memory);
          journal.onAppend = () => mishaps.pop() ?? 'none';
          const pair = [openHost({ journal }), openHost({ journal })] as const;
          const commands = asked.map(([first, amount]) => ({ host: pair[first ? 0 : 1], command: add(amount) }));
          const outcomes = await Promise.all(commands.map(({ host, command }) => host.execute(command)));
          const history = await readAll(memory, 'A');
          assert.deepEqual(
            history.map(({ version }) => version),
            history.map((_, index) => index + 1),
          );
          for (const [index, { command }] of commands.entries()) {
            const outcome = outcomes[index];
            const found = history.filter(({ commandId }) => commandId === command.commandId);
            assert.equal(found.length, outcome?.kind === 'committed' ? 1 : 0);
            if (outcome?.kind === 'committed') assert.equal(found[0]?.version, outcome.version);
          }
          let total = 0;
          for (const { events } of history) for (const event of events) total += counter.codec.decode(event).amount;
          assert.ok(total <= 1_000);
        },
      ),
      { numRuns: 60 },
    );
  });
});
