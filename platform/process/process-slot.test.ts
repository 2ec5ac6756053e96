import assert from 'node:assert/strict';
import { processSlotOf } from './process-slot.js';

describe('processSlotOf', () => {
  it('tells addresses of one machine apart, and is the same for the next process there', async function () {
    if (process.platform !== 'linux') this.skip();
    const processSlot = await processSlotOf('127.0.0.1', 50_051);
    assert.ok(processSlot);
    assert.equal(processSlot, await processSlotOf('127.0.0.1', 50_051));
    assert.notEqual(processSlot, await processSlotOf('127.0.0.2', 50_051));
    assert.notEqual(processSlot, await processSlotOf('127.0.0.1', 50_052));
  });
});
