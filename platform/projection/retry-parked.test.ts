import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Fault } from '../kernel/fault.js';
import { InMemoryJournal } from '../testing/in-memory-journal.js';
import { someCommit } from '../testing/journal-contract.js';
import { JournalUnavailable, type Commit } from '../journal/journal.js';
import type { ParkedAggregate, ParkedAggregates } from './parked-aggregates.js';
import { retryParked } from './retry-parked.js';

/** Dead letters of one aggregate; commits with a version in `faulty` cannot be projected. */
class Letters implements ParkedAggregates {
  readonly projected: [version: number, events: number][] = [];
  readonly failures: [number, string][] = [];
  constructor(
    public version: number,
    public parked: number[],
    private readonly faulty: ReadonlySet<number> = new Set(),
  ) {}

  async list(): Promise<ParkedAggregate[]> {
    if (this.parked.length === 0) return [];
    const rest = { partition: 0, commits: this.parked.length, error: '', commandType: '', requestId: '', since: 0 };
    return [
      { aggregateId: 'a', firstVersion: Math.min(...this.parked), lastVersion: Math.max(...this.parked), ...rest },
    ];
  }
  async versionOf(): Promise<number> {
    return this.version;
  }
  async project(_: ParkedAggregate, version: number, commits: readonly Commit[]): Promise<boolean> {
    if (version !== this.version) return false;
    const bad = commits.find((commit) => commit.events.length > 0 && this.faulty.has(commit.version));
    if (bad) throw new Error(`cannot project ${bad.version}`);
    for (const commit of commits) this.projected.push([commit.version, commit.events.length]);
    this.version += commits.length;
    this.parked = this.parked.filter((one) => one > this.version);
    return true;
  }
  async fail(_: ParkedAggregate, version: number, error: Error): Promise<void> {
    this.failures.push([version, error.message]);
  }
}

describe('retryParked', () => {
  let journal: InMemoryJournal;
  beforeEach(async () => {
    journal = new InMemoryJournal();
    for (let version = 0; version < 5; version += 1) await journal.append('a', version, someCommit(`${version}`));
  });
  const events = async (): Promise<number> => {
    for await (const commit of journal.read('a', 1)) return commit.events.length;
    return 0;
  };

  it('projects all from the journal, in order, until nothing is parked', async () => {
    const parked = new Letters(2, [3, 4]);
    assert.deepEqual(await retryParked('a', { parked, journal }), { kind: 'live', version: 5 });
    assert.deepEqual(
      parked.projected.map(([version]) => version),
      [3, 4, 5],
    );
    assert.deepEqual(await retryParked('a', { parked, journal }), { kind: 'not-parked' });
  });

  it('goes as far as it can and says what fails', async () => {
    const parked = new Letters(1, [2, 3, 4, 5], new Set([4]));
    const outcome = await retryParked('a', { parked, journal });
    assert.deepEqual(outcome, { kind: 'parked', version: 4, error: new Error('cannot project 4') });
    assert.deepEqual(parked.failures, [[4, 'cannot project 4']]);
    assert.deepEqual(parked.parked, [4, 5]);
  });

  it('leaves out the first, or all', async () => {
    const full = await events();
    const first = new Letters(2, [3, 4, 5], new Set([3]));
    assert.equal((await retryParked('a', { parked: first, journal, giveUp: 'first' })).kind, 'live');
    assert.deepEqual(first.projected, [
      [3, 0],
      [4, full],
      [5, full],
    ]);
    // Version 4 was lost; nothing is asked of the journal.
    const unreadable = { read: () => assert.fail('it was read') };
    const all = new Letters(2, [3, 5], new Set([3, 4, 5]));
    assert.equal((await retryParked('a', { parked: all, journal: unreadable, giveUp: 'all' })).kind, 'live');
    assert.deepEqual(all.projected, [
      [3, 0],
      [4, 0],
      [5, 0],
    ]);
  });

  it('leaves out no creation', async () => {
    const parked = new Letters(0, [1, 2]);
    for (const giveUp of ['first', 'all'] as const) {
      assert.equal((await retryParked('a', { parked, journal, giveUp })).kind, 'parked');
    }
    assert.deepEqual(parked.projected, []);
  });

  it('says so when the journal has it no more or cannot be read, and gives up nothing for what passes', async () => {
    const beyond = await retryParked('a', { parked: new Letters(5, [6]), journal });
    assert.ok(beyond.kind === 'parked' && /does not have this version/.test(beyond.error.message));
    const torn = {
      read: () => {
        throw new Fault('data-loss', 'UNREADABLE_COMMIT', 'torn');
      },
    };
    const unreadable = await retryParked('a', { parked: new Letters(2, [3]), journal: torn });
    assert.ok(unreadable.kind === 'parked' && unreadable.version === 3 && unreadable.error.message === 'torn');
    const away = {
      read: () => {
        throw new JournalUnavailable('away');
      },
    };
    await assert.rejects(retryParked('a', { parked: new Letters(2, [3]), journal: away }), JournalUnavailable);
  });
});
