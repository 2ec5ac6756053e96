import assert from 'node:assert/strict';
import { Fault } from '../kernel/fault.js';
import { EventCodec } from './event-codec.js';

interface Renamed {
  readonly type: 'Renamed';
  readonly first: string;
  readonly last: string;
}

/** Version 1 held "name", version 2 {"full": name}, version 3 holds {"first", "last"}. */
const codec = new EventCodec<Renamed>({
  Renamed: {
    schemaVersion: 3,
    encode: ({ first, last }) => Buffer.from(JSON.stringify({ first, last })),
    decode: (data) => ({
      type: 'Renamed',
      ...(JSON.parse(Buffer.from(data).toString()) as { first: string; last: string }),
    }),
    upcasters: {
      1: (data) => Buffer.from(JSON.stringify({ full: Buffer.from(data).toString() })),
      2: (data) => {
        const { full } = JSON.parse(Buffer.from(data).toString()) as { full: string };
        const [first, last] = full.split(' ');
        return Buffer.from(JSON.stringify({ first, last }));
      },
    },
  },
});
const ada: Renamed = { type: 'Renamed', first: 'Ada', last: 'Lovelace' };

function assertUnreadable(recorded: { type: string; schemaVersion: number; data: Uint8Array }): void {
  assert.throws(
    () => codec.decode(recorded),
    (error) => error instanceof Fault && error.kind === 'data-loss',
  );
}

describe('EventCodec', () => {
  it('reads what it writes', () => assert.deepEqual(codec.decode(codec.encode(ada)), ada));

  it('upcasts older versions step by step', () => {
    assert.deepEqual(codec.decode({ type: 'Renamed', schemaVersion: 1, data: Buffer.from('Ada Lovelace') }), ada);
    const data = Buffer.from('{"full":"Ada Lovelace"}');
    assert.deepEqual(codec.decode({ type: 'Renamed', schemaVersion: 2, data }), ada);
  });

  it('fails loudly for an unknown type, an unknown version and damaged data', () => {
    const data = Buffer.from('{}');
    assertUnreadable({ type: 'Vanished', schemaVersion: 1, data });
    assertUnreadable({ type: 'Renamed', schemaVersion: 4, data });
    assertUnreadable({ type: 'Renamed', schemaVersion: 0, data });
    assertUnreadable({ type: 'Renamed', schemaVersion: 3, data: Buffer.from('{') });
  });
});
