import assert from 'node:assert/strict';
import { add, counter, type CounterHost } from '../testing/counter-aggregate.js';
import { InMemoryJournal } from '../testing/in-memory-journal.js';
import { InMemorySnapshotStore } from '../testing/in-memory-snapshot-store.js';
import { AggregateHost, type AggregateHostOptions } from './aggregate-host.js';

describe('AggregateHost with snapshots', () => {
  let memory: InMemoryJournal;
  const hosts: CounterHost[] = [];
  let store: InMemorySnapshotStore;
  let troubles: string[];
  let reads: number[];

  function openHost(options: Partial<AggregateHostOptions> = {}): CounterHost {
    const host = new AggregateHost(() => counter, { journal: memory, onCommitted: () => undefined, ...options });
    hosts.push(host);
    return host;
  }

  function openSnapshottingHost(): CounterHost {
    const onTrouble = (_id: string, error: Error): void => void troubles.push(error.message);
    return openHost({ snapshots: { store, everyCommits: 5, onTrouble } });
  }

  async function totalOnNewHost(): Promise<number> {
    return (await openSnapshottingHost().inspect('A', Date.now() + 1_000)).state;
  }

  beforeEach(async () => {
    memory = new InMemoryJournal();
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

  afterEach(async () => {
    await Promise.all(hosts.splice(0).map((host) => host.drain()));
  });

  it('are made every so many commits, and only what is behind the last one is read', async () => {
    assert.equal(store.snapshots.get('A')?.version, 10);
    assert.equal(await totalOnNewHost(), 12);
    assert.deepEqual(reads, [10, 13], 'from the snapshot on, and whether there is more');
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
