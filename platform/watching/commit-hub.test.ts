import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { InMemoryFeed } from '../testing/in-memory-feed.js';
import { InMemoryJournal } from '../testing/in-memory-journal.js';
import { Fault } from '../kernel/fault.js';
import type { CommitFollower } from './commit-follower.js';
import { CommitHub, type CommitHubOptions } from './commit-hub.js';
import { JournalUnavailable, type Commit, type Journal } from '../journal/journal.js';

const ID = 'aggregate';
/** So long that no heartbeat comes within a test. */
const NEVER_MS = 60_000;

function commitOf(version: number, bytes = 1): Commit {
  return {
    aggregateId: ID,
    version,
    commandId: `command-${version}`,
    fingerprint: 'f00d',
    commandType: 'Command',
    time: version,
    trace: { requestId: 'r', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
    events: [{ type: 'Happened', schemaVersion: 1, data: new Uint8Array(bytes) }],
  };
}

/** A journal that counts its reads, and can be away. */
class CountingJournal extends InMemoryJournal {
  reads = 0;
  isAway = false;

  override async *read(aggregateId: string, fromVersion: number): AsyncIterable<Commit> {
    this.reads += 1;
    if (this.isAway) throw new JournalUnavailable('away');
    yield* super.read(aggregateId, fromVersion);
  }
}

class Scene {
  readonly journal = new CountingJournal();
  readonly feed = new InMemoryFeed();
  readonly hub: CommitHub;
  version = 0;

  constructor(options: Partial<CommitHubOptions> = {}) {
    this.hub = new CommitHub({ feed: this.feed, journal: this.journal as Journal, heartbeatMs: NEVER_MS, ...options });
  }

  /** Appends commits to the journal, and copies them into the feed unless the copies are to be lost. */
  async post(count = 1, { isCopied = true, bytes = 1 } = {}): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const commit = commitOf(this.version + 1, bytes);
      await this.journal.append(ID, this.version, commit);
      this.version += 1;
      if (isCopied) this.feed.publish(commit);
    }
  }
}

/** Versions up to and with one, and all heartbeats between them. */
async function versionsUntil(follower: CommitFollower, last: number): Promise<number[]> {
  const versions: number[] = [];
  while (versions.at(-1) !== last) {
    const followed = await follower.next();
    if (followed.kind === 'commit') versions.push(followed.commit.version);
  }
  return versions;
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

async function faultOf(promise: Promise<unknown>): Promise<Fault> {
  const thrown: unknown = await promise.catch((error: unknown) => error);
  assert.ok(thrown instanceof Fault, String(thrown));
  return thrown;
}

describe('CommitHub', () => {
  let scene: Scene;
  afterEach(() => scene.hub.stop());

  it('delivers history, says where it ends, and then what comes', async () => {
    scene = new Scene();
    await scene.post(1_234);
    const follower = scene.hub.follow(ID, 3);
    assert.deepEqual(await versionsUntil(follower, 1_234), range(3, 1_234));
    assert.deepEqual(await follower.next(), { kind: 'heartbeat', version: 1_234 });
    const next = versionsUntil(follower, 1_236);
    await scene.post(2);
    assert.deepEqual(await next, [1_235, 1_236]);
  });

  it('leaves no gap and repeats nothing, whenever followers join and whatever the feed loses, repeats or mixes up', async () => {
    scene = new Scene({ heartbeatMs: 40 });
    const total = 600;
    const followed: Promise<void>[] = [];
    const join = (): void => {
      const from = 1 + Math.floor(Math.random() * (scene.version + 1));
      const follower = scene.hub.follow(ID, from);
      followed.push(versionsUntil(follower, total).then((versions) => assert.deepEqual(versions, range(from, total))));
    };
    while (scene.version < total) {
      await scene.post(1, { isCopied: Math.random() < 0.8 });
      if (Math.random() < 0.1) join();
      if (Math.random() < 0.05) await delay(1);
      if (Math.random() < 0.05) scene.feed.publish(commitOf(1 + Math.floor(Math.random() * scene.version)));
      if (Math.random() < 0.01) await scene.feed.recreate();
      if (Math.random() < 0.01) scene.feed.push({ kind: 'malformed', error: new Error('malformed') });
    }
    assert.ok(followed.length > 5);
    await Promise.all(followed);
  });

  it('finds a last copy that never got into the feed at the next heartbeat', async () => {
    scene = new Scene({ heartbeatMs: 30 });
    const follower = scene.hub.follow(ID, 1);
    await follower.next();
    await scene.post(1, { isCopied: false });
    assert.deepEqual(await versionsUntil(follower, 1), [1]);
  });

  it('looks into the journal when a takeover is announced, and when the feed begins anew', async () => {
    scene = new Scene();
    const follower = scene.hub.follow(ID, 1);
    await follower.next();
    const first = versionsUntil(follower, 1);
    await scene.post(1, { isCopied: false });
    await scene.feed.announceTakeover();
    assert.deepEqual(await first, [1]);
    const second = versionsUntil(follower, 2);
    await scene.post(1, { isCopied: false });
    await scene.feed.recreate();
    assert.deepEqual(await second, [2]);
  });

  it('reads the journal once for all that are at the same version, and not at all for what the feed brings', async () => {
    scene = new Scene();
    await scene.post(10);
    const followers = range(1, 50).map(() => scene.hub.follow(ID, 1));
    await Promise.all(followers.map((follower) => versionsUntil(follower, 10)));
    // The tail has begun meanwhile, after which all had to look again.
    await Promise.all(followers.map((follower) => follower.next()));
    const followed = Promise.all(followers.map((follower) => versionsUntil(follower, 11)));
    await delay(20);
    const { reads } = scene.journal;
    assert.ok(reads < 10, `${reads} reads`);
    await scene.post(1);
    await followed;
    assert.equal(scene.journal.reads, reads);
  });

  it('cuts off who does not keep up, with the version to resume from, and nobody else', async () => {
    for (const bounds of [{ maxBufferedCommits: 100 }, { maxBufferedBytes: 100 * 64 }]) {
      scene = new Scene(bounds);
      await scene.post(5);
      const [slow, quick] = [scene.hub.follow(ID, 1), scene.hub.follow(ID, 1)];
      for (const follower of [slow, quick]) {
        await versionsUntil(follower, 5);
        await follower.next();
      }
      const seen = versionsUntil(quick, 305);
      for (let index = 0; index < 300; index += 1) {
        await scene.post(1, { bytes: 64 });
        await delay(0);
      }
      assert.deepEqual(await seen, range(6, 305));
      assert.ok(slow.signal.aborted);
      const fault = await faultOf(slow.next());
      assert.deepEqual([fault.kind, fault.reason, fault.metadata], ['exhausted', 'SLOW_READER', { from_version: '6' }]);
      assert.deepEqual(await versionsUntil(scene.hub.follow(ID, 6), 305), range(6, 305));
      await scene.hub.stop();
    }
  });

  it('does not cut off who reads history slowly', async () => {
    scene = new Scene({ maxBufferedCommits: 10 });
    await scene.post(600);
    const follower = scene.hub.follow(ID, 1);
    await follower.next();
    await scene.post(300);
    await delay(5);
    assert.deepEqual(await versionsUntil(follower, 900), range(2, 900));
  });

  it('waits while the journal is away, goes on with heartbeats, and misses nothing', async () => {
    scene = new Scene({ heartbeatMs: 20 });
    const follower = scene.hub.follow(ID, 1);
    await follower.next();
    scene.journal.isAway = true;
    await scene.post(3, { isCopied: false });
    for (const _ of range(1, 3)) assert.deepEqual(await follower.next(), { kind: 'heartbeat', version: 0 });
    scene.journal.isAway = false;
    assert.deepEqual(await versionsUntil(follower, 3), [1, 2, 3]);
  });

  it('refuses more followers than it may have, until one leaves', async () => {
    scene = new Scene({ maxFollowers: 2 });
    const [first] = [scene.hub.follow(ID, 1), scene.hub.follow('other', 1)];
    assert.throws(() => scene.hub.follow(ID, 1), { reason: 'TOO_MANY_WATCHERS' });
    first?.close();
    first?.close();
    assert.equal(scene.hub.followers, 1);
    scene.hub.follow(ID, 1);
    assert.throws(() => scene.hub.follow(ID, 1), { reason: 'TOO_MANY_WATCHERS' });
  });

  it('ends all when it stops, each with the version to resume from, and takes no more', async () => {
    scene = new Scene();
    await scene.post(3);
    const follower = scene.hub.follow(ID, 1);
    await versionsUntil(follower, 3);
    await follower.next();
    const waiting = faultOf(follower.next());
    await scene.hub.stop();
    const { kind, reason, metadata } = await waiting;
    assert.deepEqual([kind, reason, metadata], ['unavailable', 'SHUTTING_DOWN', { from_version: '4' }]);
    assert.throws(() => scene.hub.follow(ID, 1), { reason: 'SHUTTING_DOWN' });
  });

  it('leaves the feed alone when nobody has followed for a while, and takes it up again', async () => {
    scene = new Scene({ idleMs: 5 });
    scene.hub.follow(ID, 1).close();
    await delay(30);
    const follower = scene.hub.follow(ID, 1);
    await follower.next();
    await delay(5);
    const next = versionsUntil(follower, 1);
    await scene.post(1);
    assert.deepEqual(await next, [1]);
  });
});
