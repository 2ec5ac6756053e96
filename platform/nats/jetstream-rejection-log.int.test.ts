import assert from 'node:assert/strict';
import { ulid } from 'ulid';
import { describeRejectionLogContract } from '../testing/rejection-log-contract.js';
import { sharedNatsUrl, startNatsServer } from '../../mesh/servers/index.js';
import { createLogger } from '../telemetry/logger.js';
import { JetStreamRejectionLog } from './jetstream-rejection-log.js';
import { NatsLink } from './nats-link.js';

const logger = createLogger('test', 'silent');

describe('JetStreamRejectionLog', function () {
  this.timeout(60_000);
  const links: NatsLink[] = [];

  async function open(prefix: string, options: { natsUrl?: string; maxBytes?: number; keepMs?: number } = {}) {
    const { natsUrl: url = await sharedNatsUrl(), ...rest } = options;
    const link = await NatsLink.open({ url, name: 'test', logger });
    links.push(link);
    return new JetStreamRejectionLog(link, { prefix, logger, ...rest });
  }
  const somePrefix = (): string => `R${ulid().slice(-10)}`;
  const rejectionOf = (key: string) => ({ partition: 1, key, rejection: Buffer.from('no') });

  afterEach(async () => {
    for (const link of links.splice(0)) await link.close();
  });

  describeRejectionLogContract('JetStream', async () => {
    const prefix = somePrefix();
    return [await open(prefix), await open(prefix)];
  });

  it('discards the oldest when it is full, and never refuses', async () => {
    const log = await open(somePrefix(), { maxBytes: 20_000 });
    const keys = Array.from({ length: 500 }, (_, index) => `command ${index}`);
    await Promise.all(keys.map((key) => log.write(rejectionOf(key))));
    const kept = (await log.read(new Set([1]))).map(({ key }) => key);
    assert.ok(kept.length > 50 && kept.length < 400, `${kept.length}`);
    assert.deepEqual(kept, keys.slice(-kept.length));
  });

  it('keeps longer when a longer time is set, and not shorter', async () => {
    const prefix = somePrefix();
    for (const keepMs of [5_000, 40_000, 3_000]) await (await open(prefix, { keepMs })).open();
    const { config } = await links[0]!.manager.streams.info(`${prefix}_REJECTIONS`);
    assert.equal(config.max_age, 40_000_000_000);
  });

  it('is empty after a restart of NATS, and takes rejections again', async () => {
    const nats = await startNatsServer();
    try {
      const log = await open(somePrefix(), { natsUrl: nats.url });
      await log.write(rejectionOf('before'));
      const back = new Promise<void>((resolve) => links[0]!.onStatus((connected) => connected && resolve()));
      await nats.kill('SIGKILL');
      await assert.rejects(log.read(new Set([1])));
      await nats.restart();
      await back;
      assert.deepEqual(await log.read(new Set([1])), []);
      await log.write(rejectionOf('after'));
      assert.deepEqual(
        (await log.read(new Set([1]))).map(({ key }) => key),
        ['after'],
      );
    } finally {
      await nats.stop();
    }
  });
});
