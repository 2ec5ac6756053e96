import assert from 'node:assert/strict';
import { AppendChains } from './append-chains.js';

describe('AppendChains', () => {
  it('calls one after another, fails those that wait behind a failure without calling them, and begins anew', async () => {
    const chains = new AppendChains();
    const called: string[] = [];
    const append = (name: string, failure?: Error): Promise<void> => {
      const call = async (): Promise<void> => {
        called.push(`${name} begins`);
        await Promise.resolve();
        called.push(`${name} ends`);
        if (failure !== undefined) throw failure;
      };
      return chains.enqueue('id', call, (before) => new Error(`${name} is behind "${before.message}"`));
    };
    const outcomes = await Promise.allSettled([append('one'), append('two', new Error('lost')), append('three')]);
    assert.deepEqual(
      outcomes.map((outcome) => (outcome.status === 'rejected' ? (outcome.reason as Error).message : 'done')),
      ['done', 'lost', 'three is behind "lost"'],
    );
    await append('four');
    assert.deepEqual(
      called,
      ['one', 'two', 'four'].flatMap((name) => [`${name} begins`, `${name} ends`]),
    );
  });
});
