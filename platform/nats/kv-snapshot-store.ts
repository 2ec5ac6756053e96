import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { Kvm, type KV } from '@nats-io/kv';
import { Snapshot as SnapshotMessage } from '../../gen/threadweaver/journal/v1/snapshot.js';
import { assertPlainId } from '../journal/journal.js';
import type { Snapshot, SnapshotStore } from '../journal/snapshots.js';
import type { NatsLink } from './nats-link.js';

export interface KvSnapshotStoreOptions {
  /** Stands before the name of the bucket, such as `THREAD`. */
  readonly prefix: string;
  /** Copies of the bucket in a cluster. @default 1 */
  readonly replicas?: number;
}

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Snapshots in a KV bucket, one an aggregate, compressed with gzip, whose checksum finds damage. */
export class KvSnapshotStore implements SnapshotStore {
  #bucket: Promise<KV> | undefined;

  constructor(
    private readonly link: NatsLink,
    private readonly options: KvSnapshotStoreOptions,
  ) {}

  async load(aggregateId: string): Promise<Snapshot | undefined> {
    assertPlainId(aggregateId);
    const bucket = await this.#open();
    const entry = await this.link.ask(() => bucket.get(aggregateId));
    if (entry === null || entry.operation !== 'PUT') return undefined;
    const { version, requests, ...rest } = SnapshotMessage.decode(await decompress(entry.value));
    return {
      ...rest,
      version: Number(version),
      requests: requests.map((request) => ({ ...request, version: Number(request.version) })),
    };
  }

  async save(aggregateId: string, snapshot: Snapshot): Promise<void> {
    assertPlainId(aggregateId);
    const bucket = await this.#open();
    const message = {
      ...snapshot,
      version: BigInt(snapshot.version),
      requests: snapshot.requests.map((request) => ({ ...request, version: BigInt(request.version) })),
      state: Buffer.from(snapshot.state),
    };
    const data = await compress(SnapshotMessage.encode(message).finish());
    await this.link.ask(() => bucket.put(aggregateId, data));
  }

  /** Makes the bucket when it is first used; a failure is tried again at the next use. */
  #open(): Promise<KV> {
    const { prefix, replicas = 1 } = this.options;
    this.#bucket ??= this.link
      .ask(() => new Kvm(this.link.jetstream).create(`${prefix}_SNAPSHOTS`, { history: 1, replicas }))
      .catch((error: unknown) => {
        this.#bucket = undefined;
        throw error;
      });
    return this.#bucket;
  }
}
