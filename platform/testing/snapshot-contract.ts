import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import type { Snapshot, SnapshotStore } from '../journal/snapshots.js';

/** A snapshot whose text tells it from others. */
export function someSnapshot(text: string, version: number): Snapshot {
  return {
    version,
    lastCommandId: `command ${text}`,
    requests: [1, 2].map((number) => ({ commandId: `${text}/${number}`, fingerprint: `f${number}`, version: number })),
    stateFormat: 3,
    state: Buffer.from(text),
  };
}

function plain(snapshot: Snapshot | undefined): unknown {
  return snapshot && { ...snapshot, state: Buffer.from(snapshot.state).toString() };
}

/** What every snapshot store does. */
export function describeSnapshotContract(name: string, open: () => Promise<SnapshotStore>): void {
  describe(`snapshot contract: ${name}`, () => {
    let store: SnapshotStore;
    before(async () => {
      store = await open();
    });

    it('has none at first', async () => assert.equal(await store.load(ulid()), undefined));

    it('gives back the last one of each aggregate, with every field', async () => {
      const id = ulid();
      // Of another type, with the same plain id.
      const other = `payment=${id}`;
      await store.save(id, someSnapshot('first', 500));
      await store.save(other, someSnapshot('other', 7));
      await store.save(id, someSnapshot('second', 1_000));
      assert.deepEqual(plain(await store.load(id)), plain(someSnapshot('second', 1_000)));
      assert.deepEqual(plain(await store.load(other)), plain(someSnapshot('other', 7)));
    });

    it('takes one of a megabyte', async () => {
      const id = ulid();
      const state = Buffer.from(Array.from({ length: 1_000_000 }, (_, index) => (index * index) % 251));
      await store.save(id, { ...someSnapshot('large', 1), state });
      assert.ok(Buffer.from((await store.load(id))?.state ?? []).equals(state));
    });

    it('takes no id that means something to a broker', async () => {
      for (const id of ['*', 'a.b', '>', '']) await assert.rejects(store.load(id));
    });
  });
}
