import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { pino } from 'pino';
import { Fault } from '../kernel/fault.js';
import { freePort } from '../../mesh/servers/index.js';
import { scrape } from '../testing/scrape.js';
import { Metrics } from './metrics.js';
import { serveMetrics, type MetricsServer } from './metrics-server.js';

const logger = pino({ level: 'silent' });
const host = '127.0.0.1';

describe('the metrics server', () => {
  let metrics: Metrics;
  let port: number;
  const servers: MetricsServer[] = [];

  const serve = async (): Promise<MetricsServer> => {
    const server = await serveMetrics({ host, port, metrics, logger });
    servers.push(server);
    return server;
  };

  beforeEach(async () => {
    metrics = new Metrics();
    port = await freePort();
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close().catch(() => undefined);
  });

  it('serves counters, gauges and what the process takes', async () => {
    const calls = metrics.counter('calls_total', 'Calls.', ['code']);
    let size: number | undefined = 3;
    metrics.gauge('size', 'A size.', () => size);
    metrics.counterOf('moves_total', 'Moves.', () => 7);
    await serve();
    calls.inc({ code: 'OK' }, 2);
    const first = await scrape(port);
    assert.deepEqual(
      [first.value('calls_total', { code: 'OK' }), first.value('size'), first.value('moves_total')],
      [2, 3, 7],
    );
    for (const name of ['process_open_fds', 'process_max_fds', 'nodejs_eventloop_lag_p99_seconds']) {
      assert.ok((first.value(name) ?? 0) > 0, name);
    }
    size = undefined;
    const second = await scrape(port);
    assert.equal(second.value('moves_total'), 7, 'read, not added up');
    assert.equal(second.value('size'), undefined, 'what nobody knows is not 0');
  });

  it('answers nothing else, whatever is asked', async () => {
    await serve();
    const statusOf = async (path: string, method = 'GET') => {
      const response = await fetch(`http://${host}:${port}${path}`, { method });
      await response.arrayBuffer();
      return response.status;
    };
    assert.deepEqual(
      [await statusOf('/'), await statusOf('/metrics/../etc/passwd'), await statusOf('/metricsx')],
      [404, 404, 404],
    );
    assert.deepEqual([await statusOf('/metrics', 'POST'), await statusOf('/metrics', 'DELETE')], [405, 405]);
    assert.deepEqual([await statusOf('/metrics?a=b'), await statusOf('/metrics')], [200, 200]);
  });

  it('asks a slow server once for many scrapes, and does not wait for it', async () => {
    let asked = 0;
    metrics.sampled([{ name: 'far', help: 'Far away.', valueOf: ({ far }) => far }], () => {
      asked += 1;
      return new Promise(() => undefined);
    });
    metrics.gauge('near', 'Here.', () => 1);
    await serve();
    const scrapes = await Promise.all([scrape(port), scrape(port), scrape(port)]);
    assert.deepEqual(
      scrapes.map((found) => [found.value('near'), found.value('far')]),
      Array.from({ length: 3 }, () => [1, undefined]),
    );
    await scrape(port);
    assert.equal(asked, 1);
  });

  it('samples once for several gauges, and leaves out what a failed sample does not say', async () => {
    let asked = 0;
    metrics.sampled(
      [
        { name: 'one', help: 'One.', valueOf: ({ one }) => one },
        { name: 'two', help: 'Two.', valueOf: ({ two }) => two },
      ],
      () => Promise.resolve({ one: ++asked, two: 2 }),
    );
    metrics.sampled([{ name: 'gone', help: 'Gone.', valueOf: ({ gone }) => gone }], () =>
      Promise.reject(new Error('away')),
    );
    await serve();
    await scrape(port);
    const found = await scrape(port);
    assert.deepEqual([found.value('one'), found.value('two'), found.value('gone')], [1, 2, undefined]);
  });

  it('says 500, and not half of it, when a metric cannot be read', async () => {
    metrics.gauge('broken', 'Broken.', () => {
      throw new Error('broken');
    });
    await serve();
    await assert.rejects(scrape(port), /answer 500/);
  });

  it('names the setting when its port is taken', async () => {
    const other = createServer().listen({ host, port: 0 });
    await once(other, 'listening');
    port = (other.address() as AddressInfo).port;
    try {
      await assert.rejects(serve(), (error) => {
        assert.ok(error instanceof Fault);
        assert.equal(error.reason, 'PORT_IN_USE');
        assert.match(error.message, new RegExp(`${port}.*METRICS_PORT`));
        return true;
      });
    } finally {
      other.close();
    }
  });

  it('is off with port 0, and closes although a connection is kept open', async () => {
    port = 0;
    await (await serve()).close();
    port = await freePort();
    const server = await serve();
    await scrape(port);
    await server.close();
    await assert.rejects(scrape(port), /fetch failed/);
  });
});
