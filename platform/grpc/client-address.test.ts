import assert from 'node:assert/strict';
import { ClientAddresses, networkOf } from './client-address.js';

describe('whom a call is from', () => {
  const addresses = new ClientAddresses();

  it('is what the trusted proxy before us has added to x-forwarded-for', () => {
    assert.equal(addresses.clientOf('10.1.2.3', '203.0.113.7'), '203.0.113.7');
    assert.equal(addresses.clientOf('::ffff:127.0.0.1', 'made up, 198.51.100.1 , 203.0.113.7'), '203.0.113.7');
  });

  it('is the peer without one, and when the peer is no proxy', () => {
    assert.equal(addresses.clientOf('127.0.0.1', undefined), 'direct 127.0.0.1');
    assert.equal(addresses.clientOf('203.0.113.7', '198.51.100.1'), 'direct 203.0.113.7');
    assert.equal(new ClientAddresses('192.0.2.1').clientOf('127.0.0.1', '198.51.100.1'), 'direct 127.0.0.1');
    assert.equal(addresses.clientOf(undefined, undefined), 'direct unknown');
  });

  it('is a whole /64 of IPv6, which one client has', () => {
    for (const address of ['2001:db8:0:1::', '2001:DB8::1:a:b:c:d', '2001:0db8:0000:0001:ffff:ffff:ffff:ffff']) {
      assert.equal(networkOf(address), '2001:db8:0:1::/64', address);
    }
    assert.equal(networkOf('::1'), '0:0:0:0::/64');
    assert.equal(networkOf('::ffff:192.0.2.1'), '192.0.2.1');
  });

  it('refuses proxies that are no addresses', () => {
    for (const wrong of ['localhost', '10.0.0.0/33', '10.0.0/8', '::1/129', '10.0.0.0/x']) {
      assert.throws(() => new ClientAddresses(wrong), /is no address or network/, wrong);
    }
  });
});
