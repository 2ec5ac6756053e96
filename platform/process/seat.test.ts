import assert from 'node:assert/strict';
import { seatOf } from './seat.js';

describe('seatOf', () => {
  it('tells addresses of one machine apart, and is the same for the next process there', async function () {
    if (process.platform !== 'linux') this.skip();
    const seat = await seatOf('127.0.0.1', 50_051);
    assert.ok(seat);
    assert.equal(seat, await seatOf('127.0.0.1', 50_051));
    assert.notEqual(seat, await seatOf('127.0.0.2', 50_051));
    assert.notEqual(seat, await seatOf('127.0.0.1', 50_052));
  });
});
