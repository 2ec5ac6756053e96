import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { accept } from '../kernel/decider.js';
import { Fault } from '../kernel/fault.js';
import { AggregateHost } from '../commands/aggregate-host.js';
import { JournalUnavailable, VersionConflict, type Commit, type Journal, type NewCommit } from '../journal/journal.js';
import { add, counter, type CounterHost } from './counter-aggregate.js';

/** A commit with one event; `text` tells it from others. */
export function someCommit(text: string, overrides: Partial<NewCommit> = {}): NewCommit {
  return {
    commandId: `request-${text}`,
    fingerprint: `fingerprint-${text}`,
    commandType: 'DoSomething',
    time: 1_700_000_000_123,
    trace: { requestId: `trace-${text}`, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
    events: [{ type: 'SomethingDone', schemaVersion: 1, data: Buffer.from(text) }],
    ...overrides,
  };
}

export async function readAll(journal: Journal, id: string, fromVersion = 1): Promise<Commit[]> {
  const commits: Commit[] = [];
  for await (const commit of journal.read(id, fromVersion)) commits.push(commit);
  return commits;
}

/** Tries again for as long as the journal is unavailable. */
export async function retryUntilAvailable<T>(attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof JournalUnavailable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/**
 * What every journal does. `open` gives one that is empty or whose contents do not matter, as two writers have it who know
 * nothing of each other.
 */
export function describeJournalContract(name: string, open: () => Promise<readonly [Journal, Journal]>): void {
  describe(`journal contract: ${name}`, () => {
    let journal: Journal;
    let other: Journal;
    const hosts: CounterHost[] = [];
    before(async () => {
      [journal, other] = await open();
    });
    after(() => Promise.all(hosts.map((host) => host.drain())));

    it('reads back what was appended, with every field', async () => {
      const id = ulid();
      const events = [
        { type: 'First', schemaVersion: 1, data: Buffer.from([0, 255, 10, 13]) },
        { type: 'Second', schemaVersion: 7, data: Buffer.alloc(0) },
      ];
      const commit = someCommit('one', { events });
      await journal.append(id, 0, commit);
      const [read] = await readAll(journal, id);
      assert.ok(read);
      assert.deepEqual(
        { ...read, events: read.events.map((event) => ({ ...event, data: [...event.data] })) },
        {
          ...commit,
          aggregateId: id,
          version: 1,
          events: events.map((event) => ({ ...event, data: [...event.data] })),
        },
      );
    });

    it('keeps a commit without events', async () => {
      const id = ulid();
      await journal.append(id, 0, someCommit('nothing', { events: [] }));
      assert.deepEqual(
        (await readAll(journal, id)).map(({ version, events }) => [version, events.length]),
        [[1, 0]],
      );
    });

    it('numbers commits from 1 without gaps and reads from any of them on', async () => {
      const id = ulid();
      for (let version = 0; version < 5; version += 1) await journal.append(id, version, someCommit(`${version + 1}`));
      assert.deepEqual(
        (await readAll(journal, id)).map(({ version }) => version),
        [1, 2, 3, 4, 5],
      );
      const tail = await readAll(journal, id, 4);
      assert.deepEqual(
        tail.map(({ commandId }) => commandId),
        ['request-4', 'request-5'],
      );
      assert.deepEqual(await readAll(journal, id, 6), []);
    });

    it('keeps aggregates of two types apart that have the same plain id, and lists each', async () => {
      const id = ulid();
      const ids = [id, `payment=${id}`, `refund=${id}`];
      for (const [index, each] of ids.entries()) {
        for (let version = 0; version <= index; version += 1) {
          await journal.append(each, version, someCommit(`${version}`));
        }
      }
      for (const [index, each] of ids.entries()) {
        const commits = await readAll(journal, each);
        assert.deepEqual(
          commits.map(({ aggregateId, commandId }) => [aggregateId, commandId]),
          Array.from({ length: index + 1 }, (_, version) => [each, `request-${version}`]),
        );
      }
      const listed: [string, number][] = [];
      for await (const found of journal.list()) {
        if (ids.includes(found.aggregateId)) listed.push([found.aggregateId, found.version]);
      }
      assert.deepEqual(new Map(listed), new Map(ids.map((each, index) => [each, index + 1])));
    });

    it('has nothing for an aggregate without history', async () => {
      assert.deepEqual(await readAll(journal, ulid()), []);
    });

    it('refuses an append that expects another version, and writes nothing', async () => {
      const id = ulid();
      await assert.rejects(journal.append(id, 1, someCommit('too early')), VersionConflict);
      await journal.append(id, 0, someCommit('first'));
      await assert.rejects(journal.append(id, 0, someCommit('again')), VersionConflict);
      await assert.rejects(journal.append(id, 2, someCommit('ahead')), VersionConflict);
      assert.deepEqual(
        (await readAll(journal, id)).map(({ commandId }) => commandId),
        ['request-first'],
      );
    });

    it('lets just one of several writers append a version', async () => {
      const id = ulid();
      await journal.append(id, 0, someCommit('first'));
      const tries = await Promise.allSettled(
        Array.from({ length: 8 }, (_, writer) => journal.append(id, 1, someCommit(`writer ${writer}`))),
      );
      assert.equal(tries.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal((await readAll(journal, id)).length, 2);
    });

    it('takes pipelined appends in the order of the calls', async () => {
      const id = ulid();
      const versions = Array.from({ length: 200 }, (_, version) => version);
      await Promise.all(versions.map((version) => journal.append(id, version, someCommit(`${version}`))));
      assert.deepEqual(
        (await readAll(journal, id)).map(({ commandId }) => commandId),
        versions.map((version) => `request-${version}`),
      );
    });

    it('fails all pipelined appends behind one that fails', async () => {
      const id = ulid();
      await journal.append(id, 0, someCommit('first'));
      const tries = await Promise.allSettled([
        journal.append(id, 1, someCommit('second')),
        journal.append(id, 5, someCommit('wrong')),
        journal.append(id, 6, someCommit('behind')),
        journal.append(id, 7, someCommit('behind too')),
      ]);
      assert.deepEqual(
        tries.map(({ status }) => status),
        ['fulfilled', 'rejected', 'rejected', 'rejected'],
      );
      assert.equal((await readAll(journal, id)).length, 2);
    });

    it('lets no pipelined append in behind the commit of another writer', async () => {
      const id = ulid();
      await journal.append(id, 0, someCommit('first'));
      await journal.append(id, 1, someCommit('of another writer'));
      const tries = await Promise.allSettled([
        journal.append(id, 1, someCommit('second')),
        journal.append(id, 2, someCommit('decided on the second'), someCommit('second').commandId),
        journal.append(id, 3, someCommit('decided on that'), someCommit('decided on the second').commandId),
      ]);
      assert.ok(tries.every(({ status }) => status === 'rejected'));
      await journal.append(id, 2, someCommit('third'), someCommit('of another writer').commandId);
      assert.equal((await readAll(journal, id)).length, 3);
    });

    describe('when two writers append the same command, decided differently, at the same version', () => {
      /** A node of a cluster may not have heard of a new stream: nothing is written then. */
      const append = (on: Journal, id: string, version: number, writer: string): Promise<void> => {
        const events = [{ type: 'Decided', schemaVersion: 1, data: Buffer.from(writer) }];
        return retryUntilAvailable(() => on.append(id, version, someCommit('the same', { events })));
      };
      const storedOf = async (id: string): Promise<string[]> =>
        (await readAll(journal, id)).map(({ events }) => Buffer.from(events[0]?.data ?? []).toString());

      for (const version of [0, 1]) {
        it(`acknowledges the first and tells the second of a conflict (after version ${version})`, async () => {
          const id = ulid();
          if (version > 0) await journal.append(id, 0, someCommit('before'));
          await append(journal, id, version, 'one');
          await assert.rejects(append(other, id, version, 'other'), VersionConflict);
          // A writer that lost the answer to its own append learns of it by reading, too.
          await assert.rejects(append(journal, id, version, 'one'), VersionConflict);
          assert.equal((await storedOf(id)).at(-1), 'one');
        });

        it(`acknowledges only what it keeps when they do so at once (after version ${version})`, async () => {
          for (let round = 0; round < 20; round += 1) {
            const id = ulid();
            if (version > 0) await journal.append(id, 0, someCommit('before'));
            const outcomes = await Promise.allSettled([
              append(journal, id, version, 'one'),
              append(other, id, version, 'other'),
            ]);
            const acknowledged = ['one', 'other'].filter((_, index) => outcomes[index]?.status === 'fulfilled');
            assert.deepEqual(acknowledged, (await storedOf(id)).slice(version));
            const refusal = outcomes.find(({ status }) => status === 'rejected');
            assert.ok(refusal?.status === 'rejected' && refusal.reason instanceof VersionConflict, `round ${round}`);
          }
        });
      }

      it('a host answers the repeat as the first time, whichever host that is', async () => {
        const openHost = (on: Journal): CounterHost => {
          let decisions = 0;
          const host: CounterHost = new AggregateHost(
            // Deciding again gives something else, as whatever makes ids does.
            () => ({
              ...counter,
              decider: { ...counter.decider, decide: () => accept({ type: 'Added', amount: ++decisions }) },
            }),
            { journal: on, onCommitted: () => undefined },
          );
          hosts.push(host);
          return host;
        };
        const [host, rival] = [openHost(journal), openHost(other)];
        for (let round = 0; round < 10; round += 1) {
          const aggregateId = ulid();
          const within = (): { aggregateId: string; deadline: number } => ({
            aggregateId,
            deadline: Date.now() + 30_000,
          });
          // Both know the aggregate, so that both decide on the same version.
          await host.execute(add(0, within()));
          await rival.inspect(aggregateId, Date.now() + 30_000);
          const command = add(1, within());
          const answers = await Promise.all([host.execute(command), rival.execute(command)]);
          answers.push(
            await host.execute({ ...command, ...within() }),
            await rival.execute({ ...command, ...within() }),
          );
          const [kept] = await readAll(journal, aggregateId, 2);
          const events = kept?.events.map((event) => counter.codec.decode(event));
          for (const answer of answers) {
            assert.deepEqual({ ...answer, repeated: true }, { kind: 'committed', version: 2, events, repeated: true });
          }
        }
      });
    });

    it('reads a long history in order', async () => {
      const id = ulid();
      const length = 2_500;
      // Not all at once: on a slow disk the last ones would wait for longer than an append may take.
      for (let version = 0; version < length; version += 100) {
        const next = Array.from({ length: 100 }, (_, index) => version + index);
        await Promise.all(next.map((each) => journal.append(id, each, someCommit(`${each}`))));
      }
      const read = await readAll(journal, id);
      assert.equal(read.length, length);
      assert.ok(
        read.every(({ version, commandId }, index) => version === index + 1 && commandId === `request-${index}`),
      );
    });

    it('lists aggregates with their last versions', async () => {
      const ids = [ulid(), ulid(), ulid()];
      for (const [index, id] of ids.entries()) {
        for (let version = 0; version <= index; version += 1)
          await journal.append(id, version, someCommit(`${version}`));
      }
      const listed = new Map<string, number>();
      for await (const { aggregateId, version } of journal.list()) listed.set(aggregateId, version);
      assert.deepEqual(
        ids.map((id) => listed.get(id)),
        [1, 2, 3],
      );
    });

    it('takes no id that means something to a broker', async () => {
      for (const id of ['*', '>', 'a.b', '', 'a b', '../x', 'a\r\nb']) {
        await assert.rejects(journal.append(id, 0, someCommit('hostile')), Fault);
        await assert.rejects(readAll(journal, id), Fault);
      }
    });
  });
}
