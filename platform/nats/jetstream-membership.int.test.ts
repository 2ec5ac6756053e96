import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Kvm } from '@nats-io/kv';
import { ulid } from 'ulid';
import { assignPartitions } from '../ownership/assignment.js';
import { startNatsServer, sharedNatsUrl, waitUntilHealthy, type RunningServer } from '../../mesh/servers/index.js';
import { createLogger } from '../telemetry/logger.js';
import { AssignmentStore } from './assignment-store.js';
import { JetStreamMembership } from './jetstream-membership.js';
import { NatsLink } from './nats-link.js';
import { readMembership } from './read-membership.js';

const logger = createLogger('test', 'silent');

/** Waits, change by change, until the member sees it so. */
async function until(membership: JetStreamMembership, isSo: () => boolean): Promise<void> {
  await new Promise<void>((resolve) => {
    const stop = membership.onChange(check);
    function check(): void {
      if (!isSo()) return;
      stop();
      resolve();
    }
    check();
  });
}

function share(membership: JetStreamMembership, member: string): number {
  return membership.assignment?.primaries.filter((primary) => primary === member).length ?? 0;
}

describe('JetStreamMembership', function () {
  this.timeout(60_000);
  let opened: { link: NatsLink; membership: JetStreamMembership }[];
  let prefix: string;

  async function open(self: string, url: string): Promise<JetStreamMembership> {
    const link = await NatsLink.open({ url, name: self, logger, requestTimeoutMs: 1_000 });
    const membership = new JetStreamMembership(link, { prefix, self, partitions: 8, logger });
    opened.push({ link, membership });
    return membership;
  }

  beforeEach(() => {
    opened = [];
    prefix = `M${ulid().slice(-10)}`;
  });
  afterEach(async () => {
    for (const { link, membership } of opened) {
      await membership.close();
      await link.close();
    }
  });

  it('agrees on one assignment as members join and leave', async () => {
    const url = await sharedNatsUrl();
    const [a, b] = [await open('a', url), await open('b', url)];
    await a.join('here:1');
    assert.equal(share(a, 'a'), 8);
    await b.join('here:2');
    await until(a, () => share(a, 'b') === 4);
    assert.deepEqual(a.assignment, b.assignment);
    assert.deepEqual(a.members.map(({ address }) => address).sort(), ['here:1', 'here:2']);
    assert.ok(a.isCurrent() && b.isCurrent());
    await b.leave();
    assert.ok(!b.isCurrent());
    await until(a, () => share(a, 'a') === 8);
    assert.deepEqual(
      a.members.map(({ id }) => id),
      ['a'],
    );
  });

  it('gives the partitions of who is not heard of to the others, after that one has counted itself out', async () => {
    const url = await sharedNatsUrl();
    const [a, b] = [await open('a', url), await open('b', url)];
    await a.join('');
    await b.join('');
    await until(a, () => share(a, 'b') === 4);
    // As after kill -9: nothing more is said.
    await opened[1]?.link.close();
    await until(a, () => share(a, 'a') === 8);
    assert.ok(!b.isCurrent());
  });

  it('gives the partitions of who sat there before to who sits there now, at once', async () => {
    const url = await sharedNatsUrl();
    const [a, b, next] = [await open('a', url), await open('b', url), await open('next', url)];
    await a.join('', 'slot 1');
    await b.join('', 'slot 2');
    await until(a, () => share(a, 'b') === 4);
    // As after kill -9: nothing more is said.
    await opened[1]?.link.close();
    await next.join('', 'slot 2');
    await until(a, () => share(a, 'next') === 4 && share(a, 'b') === 0);
    assert.deepEqual(next.members.map(({ id }) => id).sort(), ['a', 'next']);
    assert.ok(a.isCurrent());
  });

  it('gives nothing to a member that was killed with NATS, nor to any that NATS still knows', async () => {
    const nats = await startNatsServer();
    try {
      const [a, b, gone] = [await open('a', nats.url), await open('b', nats.url), await open('gone', nats.url)];
      for (const member of [a, b, gone]) await member.join('');
      await until(a, () => share(a, 'gone') > 0 && share(a, 'b') > 0);
      await opened[2]?.link.close();
      await nats.kill('SIGKILL');
      await nats.restart();
      await until(a, () => share(a, 'a') === 4 && share(a, 'b') === 4);
      // As a server leaves it that brings back what had gone: keys of an older version, and an assignment to the dead.
      const link = opened[0]?.link;
      assert.ok(link);
      const bucket = await new Kvm(link.jetstream).create(`${prefix}_MEMBERS`);
      await bucket.put('member.dead', JSON.stringify({ id: 'dead', address: '', startedAt: 0 }));
      const store = new AssignmentStore(link, { prefix });
      const kept = await store.read();
      const known = ['dead', 'gone', 'older'].map((id) => ({ id, address: '', startedAt: 0 }));
      const forged = { ...assignPartitions(['dead', 'gone', 'older'], 8), id: 'forged', partitions: 8, known };
      await store.replace(kept?.revision ?? 0, forged);
      await until(a, () => share(a, 'dead') > 0);
      await Promise.all([a, b].map((one) => until(one, () => share(one, 'a') === 4 && share(one, 'b') === 4)));
      assert.deepEqual([...(await readMembership(link, prefix)).members.keys()].sort(), ['a', 'b']);
    } finally {
      for (const { link, membership } of opened.splice(0)) {
        await membership.close();
        await link.close();
      }
      await nats.stop();
    }
  });

  it('shows somebody who is no member those who live, and nobody when the last has left or was killed', async () => {
    const url = await sharedNatsUrl();
    const [a, b] = [await open('a', url), await open('b', url)];
    const link = await NatsLink.open({ url, name: 'look', logger });
    try {
      assert.deepEqual([...(await readMembership(link, prefix)).members], []);
      await a.join('here:1');
      await b.join('here:2');
      await until(a, () => share(a, 'b') === 4);
      const { members, assignment } = await readMembership(link, prefix);
      assert.deepEqual([...members.values()].map(({ address }) => address).sort(), ['here:1', 'here:2']);
      assert.deepEqual(assignment?.primaries, a.assignment?.primaries);
      await a.leave();
      await until(b, () => share(b, 'b') === 8);
      assert.deepEqual([...(await readMembership(link, prefix)).members.keys()], ['b']);
      await opened[1]?.link.close();
      const later = await readMembership(link, prefix);
      assert.deepEqual([[...later.members], later.assignment?.members], [[], ['b']]);
    } finally {
      await link.close();
    }
  });

  it('reads what it has missed, and agrees again after somebody has overwritten it', async () => {
    const url = await sharedNatsUrl();
    const [a, b] = [await open('a', url), await open('b', url)];
    await a.join('');
    await b.join('');
    await until(a, () => share(a, 'b') === 4);
    const link = opened[0]?.link;
    assert.ok(link);
    const store = new AssignmentStore(link, { prefix });
    const { revision = 0 } = (await store.read()) ?? {};
    // Nobody says that it is another one.
    await store.replace(revision, { ...assignPartitions(['b'], 8), id: 'silent', partitions: 8, known: [] });
    await waitUntilHealthy('one who has read it', async () =>
      assert.notEqual((await store.read())?.assignment?.id, 'silent'),
    );
    await Promise.all([a, b].map((one) => until(one, () => share(one, 'a') === 4 && share(one, 'b') === 4)));
    assert.deepEqual(a.assignment, b.assignment);
  });

  describe('when NATS restarts', () => {
    let nats: RunningServer;
    before(async () => (nats = await startNatsServer()));
    after(() => nats.stop());

    it('counts itself out, and comes back with a new epoch of its lease and the assignment of before', async () => {
      const [a, b] = [await open('a', nats.url), await open('b', nats.url)];
      await a.join('');
      await b.join('');
      await until(a, () => share(a, 'b') === 4);
      const before = a.assignment;
      const { leaseEpoch } = a;
      await nats.kill('SIGKILL');
      // Longer than a member's time to live; nothing announces that it has passed.
      await delay(2_200);
      assert.ok(!a.isCurrent());
      await nats.restart();
      await Promise.all([until(a, () => a.leaseEpoch > leaseEpoch), until(b, () => b.isCurrent())]);
      await until(a, () => a.members.length === 2 && a.isCurrent());
      assert.deepEqual(a.assignment?.primaries, before?.primaries);
    });
  });
});
