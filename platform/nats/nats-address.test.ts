import assert from 'node:assert/strict';
import { natsUrl } from '../composition/backend-settings.js';
import { parseNatsUrl, printableNatsUrl } from './nats-address.js';

describe('Addresses of NATS', () => {
  const two = 'nats://nats-0.nats:4222, nats-1.nats:4222';

  it('carry user and password to the link, whatever their characters, and show them to nobody', () => {
    const [NATS_USER, NATS_PASSWORD] = ['some one', 'a:b@c/d,e%20'];
    const url = natsUrl.read({ NATS_URL: two, NATS_USER, NATS_PASSWORD });
    const servers = ['nats://nats-0.nats:4222', 'nats-1.nats:4222'];
    assert.deepEqual(parseNatsUrl(url), { servers, credentials: { user: NATS_USER, pass: NATS_PASSWORD } });
    assert.equal(printableNatsUrl(url), servers.join());
  });

  it('have no credentials by default, and both or none', () => {
    assert.deepEqual(parseNatsUrl(natsUrl.read({})), { servers: ['nats://127.0.0.1:4222'] });
    assert.throws(() => natsUrl.read({ NATS_USER: 'x' }), /NATS_PASSWORD is not set/);
    assert.throws(() => natsUrl.read({ NATS_PASSWORD: 'x' }), /NATS_USER is not set/);
  });
});
