import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { add, counter, type CounterHost } from '../testing/counter-aggregate.js';
import { InMemoryJournal } from '../testing/in-memory-journal.js';
import { readAll, someCommit } from '../testing/journal-contract.js';
import { UnreliableJournal, type Mishap } from '../testing/unreliable-journal.js';
import { AggregateHost, type AggregateHostOptions } from './aggregate-host.js';
import type { Commit } from '../journal/journal.js';

describe('AggregateHost', () => {
  let memory: InMemoryJournal;
  let journal: UnreliableJournal;
  let committed: Commit[];
  const hosts: CounterHost[] = [];

  function openHost(options: Partial<AggregateHostOptions> = {}): CounterHost {
    const host = new AggregateHost(() => counter, {
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

    it('wait for a journal that does not answer', async () => {
      const host = openHost();
      const command = add(5);
      const first = await host.execute(command);
      let reads = 0;
      journal.onRead = () => ((reads += 1) <= 2 ? 'not-done' : 'none');
      assert.deepEqual(await host.execute(command), { ...first, repeated: true });
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

  it('rejects, and tells its state, only as of the last commit, whoever has made that', async () => {
    const [host, other] = [openHost(), openHost()];
    await host.execute(add(900));
    await other.execute(add(50));
    assert.deepEqual(await host.execute(add(200)), { kind: 'rejected', rejection: { code: 'TOO_MUCH', total: 950 } });
    await other.execute(add(25));
    assert.deepEqual(await host.inspect('A', Date.now() + 5_000), { version: 3, state: 975 });
    journal.onRead = () => 'not-done';
    await assert.rejects(host.execute(add(200, { deadline: Date.now() + 50 })), { kind: 'unavailable' });
  });

  it('is not disturbed in what it rejects by what it adds itself', async () => {
    const host = openHost();
    await host.execute(add(1));
    let reads = 0;
    journal.onRead = () => ((reads += 1), 'none');
    const commands = Array.from({ length: 100 }, (_, index) => host.execute(add(index % 2 === 0 ? 1 : 5_000)));
    const outcomes = await Promise.all(commands);
    assert.equal(outcomes.filter(({ kind }) => kind === 'committed').length, 50);
    assert.equal(reads, 50, 'one for each rejection, and none to begin anew');
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
      for (const bounds of [{ maxAggregates: 2 }, { maxBytes: 1_000 }]) {
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
    this.timeout(60_000);
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
