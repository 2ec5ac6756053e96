import assert from 'node:assert/strict';
import { JournalUnavailable, VersionConflict } from '../journal/journal.js';
import { AppendQueue } from './append-queue.js';

/** A queue of appends that the test names, and what was called. */
function openQueue() {
  const queue = new AppendQueue();
  const called: string[] = [];
  interface Steps {
    readonly aggregateId?: string;
    readonly after?: string;
    readonly failure?: Error;
    readonly refusal?: Error;
  }
  const append = (version: number, name: string, { aggregateId = 'a', after, failure, refusal }: Steps = {}) => {
    const step = (what: string, error?: Error) => async (): Promise<void> => {
      called.push(`${name} ${what} begins`);
      await new Promise(setImmediate);
      called.push(`${name} ${what} ends`);
      if (error !== undefined) throw error;
    };
    const steps = { append: step('append', failure), verify: step('verify', refusal) };
    return queue.enqueue({
      aggregateId,
      expectedVersion: version - 1,
      commandId: name,
      afterCommandId: after,
      ...steps,
    });
  };
  return { append, called };
}

const appended = (...names: string[]): string[] =>
  names.flatMap((name) => [`${name} append begins`, `${name} append ends`]);

describe('AppendQueue', () => {
  it('lets appends go one after another, those of other aggregates meanwhile', async () => {
    const { append, called } = openQueue();
    const running = [append(2, 'one'), append(3, 'two', { after: 'one' }), append(4, 'three')];
    await Promise.all([...running, append(2, 'other', { aggregateId: 'b' })]);
    const isOther = (call: string): boolean => call.startsWith('other');
    assert.deepEqual(
      called.filter((call) => !isOther(call)),
      appended('one', 'two', 'three'),
    );
    assert.ok(called.findIndex(isOther) < called.indexOf('one append ends'));
  });

  it('fails all that wait behind a failure without calling them, and begins anew', async () => {
    for (const [failure, Expected] of [
      [new JournalUnavailable('lost'), JournalUnavailable],
      [new VersionConflict('a', 1), VersionConflict],
    ] as const) {
      const { append, called } = openQueue();
      const running = [append(2, 'one', { failure }), append(3, 'two', { after: 'one' }), append(4, 'three')];
      for (const outcome of await Promise.allSettled(running)) {
        assert.ok(outcome.status === 'rejected' && outcome.reason instanceof Expected);
      }
      await append(2, 'four');
      assert.deepEqual(called, appended('one', 'four'));
    }
  });

  it('has the command before verified unless it is that of the append before', async () => {
    const { append, called } = openQueue();
    const refusal = new VersionConflict('a', 2);
    await append(2, 'one');
    await assert.rejects(append(3, 'refused', { after: 'another', refusal }), refusal);
    await append(3, 'two', { after: 'one' });
    const verified = (name: string): string[] => [`${name} verify begins`, `${name} verify ends`];
    const expected = [...appended('one'), ...verified('refused'), ...verified('two'), ...appended('two')];
    assert.deepEqual(called, expected);
    const first = append(4, 'three');
    await assert.rejects(append(5, 'not behind', { after: 'two', refusal }), refusal);
    await first;
    assert.deepEqual(called.slice(expected.length), [...appended('three'), ...verified('not behind')]);
  });
});
