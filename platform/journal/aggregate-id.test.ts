import assert from 'node:assert/strict';
import { Fault } from '../kernel/fault.js';
import { aggregateIdOf, aggregateTypeOf, plainIdOf } from './aggregate-id.js';
import { assertPlainId } from './journal.js';

const context = { aggregateTypes: ['invoice', 'payment'] } as const;

describe('ids of aggregates', () => {
  it('keep the types of a context apart; those of its first type are plain, as they were when it had only one', () => {
    for (const [type, stored] of [
      ['invoice', 'A-1'],
      ['payment', 'payment=A-1'],
    ] as const) {
      const id = aggregateIdOf(context, type, 'A-1');
      assert.equal(id, stored);
      assert.equal(aggregateTypeOf(context, id), type);
      assert.equal(plainIdOf(id), 'A-1');
      assert.doesNotThrow(() => assertPlainId(id));
    }
  });

  it('let nobody pass an id for one of another type, nor name a type that there is not', () => {
    assert.throws(() => aggregateIdOf(context, 'invoice', 'payment=A'), Fault);
    assert.throws(() => aggregateIdOf(context, 'refund', 'A'), /refund/);
    for (const hostile of ['', '=', 'a=', '=a', 'a=b=c', 'a.b', 'a b', 'A'.repeat(65)]) {
      assert.throws(() => assertPlainId(hostile), Fault, hostile);
    }
  });
});
