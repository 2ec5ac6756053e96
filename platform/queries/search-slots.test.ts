import assert from 'node:assert/strict';
import { describe, it } from 'mocha';
import { Fault } from '../kernel/fault.js';
import { SearchSlots } from './search-slots.js';

describe('SearchSlots', () => {
  const turn = () => new Promise(setImmediate);
  const refused = (error: unknown): boolean => error instanceof Fault && error.reason === 'TOO_MANY_SEARCHES';

  it('run so many at once, the others in their order, and refuse what is too much', async () => {
    const slots = new SearchSlots({ maxRunning: 2, maxWaiting: 2, maxPerAccount: 3 });
    const ends: (() => void)[] = [];
    const begun: string[] = [];
    const run = (account: string, name: string) =>
      slots.run(account, () => {
        begun.push(name);
        return new Promise<string>((resolve) => ends.push(() => resolve(name)));
      });
    const [first, second, third] = [run('a', '1'), run('a', '2'), run('a', '3')];
    await assert.rejects(run('a', '4'), refused);
    const fourth = run('b', '5');
    await assert.rejects(run('c', '6'), refused);
    await turn();
    assert.deepEqual(begun, ['1', '2']);
    ends[1]?.();
    assert.equal(await second, '2');
    await turn();
    assert.deepEqual(begun, ['1', '2', '3']);
    ends[0]?.();
    ends[2]?.();
    assert.deepEqual(await Promise.all([first, third]), ['1', '3']);
    ends[3]?.();
    assert.equal(await fourth, '5');
    const again = run('a', '7');
    await turn();
    ends[4]?.();
    assert.equal(await again, '7');
  });

  it('are free again after a search that fails', async () => {
    const slots = new SearchSlots({ maxRunning: 1, maxWaiting: 0, maxPerAccount: 1 });
    for (let times = 0; times < 3; times += 1) {
      await assert.rejects(
        slots.run('a', () => Promise.reject(new Error('no'))),
        /no/,
      );
    }
    assert.equal(await slots.run('a', () => Promise.resolve(1)), 1);
  });
});
