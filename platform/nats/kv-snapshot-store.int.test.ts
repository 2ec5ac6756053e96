import assert from 'node:assert/strict';
import { Kvm } from '@nats-io/kv';
import { ulid } from 'ulid';
import { sharedNatsUrl } from '../../mesh/servers/index.js';
import { describeSnapshotContract, someSnapshot } from '../testing/snapshot-contract.js';
import { createLogger } from '../telemetry/logger.js';
import { KvSnapshotStore } from './kv-snapshot-store.js';
import { NatsLink } from './nats-link.js';

describe('KvSnapshotStore', () => {
  const prefix = `S${ulid().slice(-10)}`;
  let link: NatsLink;
  before(async () => {
    link = await NatsLink.open({ url: await sharedNatsUrl(), name: 'test', logger: createLogger('test', 'silent') });
  });
  after(() => link.close());

  describeSnapshotContract('NATS KV', () => Promise.resolve(new KvSnapshotStore(link, { prefix })));

  it('finds a damaged one', async () => {
    const store = new KvSnapshotStore(link, { prefix });
    const id = ulid();
    await store.save(id, someSnapshot('whole', 1));
    const bucket = await new Kvm(link.jetstream).open(`${prefix}_SNAPSHOTS`);
    const data = Buffer.from((await bucket.get(id))?.value ?? []);
    data[data.length - 6] = (data[data.length - 6] ?? 0) ^ 1;
    await bucket.put(id, data);
    await assert.rejects(store.load(id));
  });
});
