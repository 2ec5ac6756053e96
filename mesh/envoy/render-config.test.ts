import assert from 'node:assert/strict';
import { type EnvoySettings, renderEnvoyConfig } from './render-config.js';

const settings: EnvoySettings = {
  listenHost: '0.0.0.0',
  port: 8080,
  threadsPort: 18080,
  messengerPort: 10000,
  bookingPort: 8088,
  adminPort: 9901,
  upstreams: {
    'thread-command': [
      { host: '10.0.0.1', port: 50051 },
      { host: 'second', port: 50061 },
    ],
    'thread-query': [{ host: '127.0.0.1', port: 50052 }],
    account: [{ host: '127.0.0.1', port: 50055 }],
  },
  descriptorSetPath: '/a path/with "quotes".binpb',
};

describe('renderEnvoyConfig', () => {
  it('fills every placeholder', () => {
    const placeholders = renderEnvoyConfig(settings)
      .split('\n')
      .filter((line) => !line.trimStart().startsWith('#') && line.includes('${'));
    assert.deepEqual(placeholders, []);
  });

  it('lists every instance of a service', () => {
    const config = renderEnvoyConfig(settings);
    assert.match(config, /"address":"10\.0\.0\.1","port_value":50051.*"address":"second","port_value":50061/);
  });

  it('listens on all four ports, and with the admin page on loopback only', () => {
    const config = renderEnvoyConfig(settings);
    for (const port of [8080, 18080, 10000, 8088]) {
      assert.ok(config.includes(`address: "0.0.0.0", port_value: ${port} }`), `no listener on ${port}`);
    }
    assert.ok(config.includes('address: 127.0.0.1, port_value: 9901 }'));
  });

  it('quotes what a path may hold', () => {
    assert.ok(renderEnvoyConfig(settings).includes(String.raw`proto_descriptor: "/a path/with \"quotes\".binpb"`));
  });
});
