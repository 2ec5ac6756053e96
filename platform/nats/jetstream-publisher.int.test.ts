import assert from 'node:assert/strict';
import { JetStreamApiError, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect, headers, type NatsConnection } from '@nats-io/transport-node';
import { ulid } from 'ulid';
import { sharedNatsUrl } from '../../mesh/servers/index.js';
import { JetStreamPublisher } from './jetstream-publisher.js';

describe('JetStreamPublisher', () => {
  const name = `P${ulid()}`;
  const data = Buffer.from('data');
  let connection: NatsConnection;
  let manager: JetStreamManager;
  let publisher: JetStreamPublisher;

  before(async () => {
    connection = await connect({ servers: await sharedNatsUrl() });
    manager = await jetstreamManager(connection);
    await manager.streams.add({ name, subjects: [`${name}.*`], allow_direct: true });
    publisher = new JetStreamPublisher(connection, { timeoutMs: 3_000 });
  });

  after(() => connection.close());

  it('publishes in the order of the calls, with the headers that were given', async () => {
    const own = headers();
    own.set('Own-Header', 'ü');
    const sent = Array.from({ length: 300 }, (_, index) =>
      publisher.publish(`${name}.order`, Buffer.from(`${index}`), own, {
        msgId: `id-${index}`,
        expectLastSequence: index,
      }),
    );
    publisher.send(`${name}.order`, Buffer.from('unacknowledged'), undefined, {});
    const acknowledged = await Promise.all(sent);
    assert.deepEqual(
      acknowledged.map(({ seq }) => seq),
      sent.map((_, index) => index + 1),
    );
    const last = await publisher.publish(`${name}.order`, data, undefined, {});
    assert.equal(last.seq, 302);
    const stored = await manager.direct.getMessage(name, { seq: 300 });
    assert.equal(stored?.string(), '299');
    assert.equal(stored?.header.get('Own-Header'), 'ü');
    assert.equal(stored?.header.get('Nats-Msg-Id'), 'id-299');
    assert.equal((await manager.direct.getMessage(name, { seq: 301 }))?.string(), 'unacknowledged');
  });

  it('tells a repeat, and what the stream refuses', async () => {
    const first = await publisher.publish(`${name}.repeat`, data, undefined, { msgId: 'once' });
    const repeat = await publisher.publish(`${name}.repeat`, data, undefined, { msgId: 'once' });
    assert.deepEqual([first.duplicate, repeat.duplicate, repeat.seq], [false, true, first.seq]);
    const refused = publisher.publish(`${name}.repeat`, data, undefined, { expectLastSubjectSequence: 1 });
    await assert.rejects(refused, (error) => error instanceof JetStreamApiError && error.code === 10_071);
  });

  it('fails when nobody takes a message, when nobody acknowledges it in time, and when it is told to', async () => {
    await assert.rejects(publisher.publish(`nobody.${name}`, data, undefined, {}), /no stream takes/);
    connection.subscribe(`silent.${name}`);
    const hasty = new JetStreamPublisher(connection, { timeoutMs: 10 });
    await assert.rejects(hasty.publish(`silent.${name}`, data, undefined, {}), /no acknowledgement/);
    const waiting = publisher.publish(`silent.${name}`, data, undefined, {});
    publisher.failAll(new Error('the connection was lost'));
    await assert.rejects(waiting, /the connection was lost/);
  });
});
