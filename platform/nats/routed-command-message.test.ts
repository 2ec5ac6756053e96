import assert from 'node:assert/strict';
import { steadyNow } from '../kernel/steady-clock.js';
import type { RoutedCommand } from '../commands/command-bus.js';
import { decodeRoutedCommand, encodeRoutedCommand } from './routed-command-message.js';

const trace = { requestId: 'r', traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` };
const address = { replyTo: 'inbox', correlation: '1' };

function commandWith(deadline: number): RoutedCommand {
  const base = {
    aggregateId: 'A',
    commandId: 'c',
    fingerprint: 'f',
    commandType: 'Add',
    startsAggregate: false,
    trace,
  };
  return { ...base, command: Buffer.from([1, 2, 3]), deadline };
}

describe('a routed command', () => {
  const now = Date.now;
  afterEach(() => (Date.now = now));

  it('comes over as it was, with its return address', () => {
    const { deadline, ...command } = commandWith(steadyNow() + 5_000);
    const decoded = decodeRoutedCommand(encodeRoutedCommand({ ...command, deadline }, address));
    const { deadline: decodedDeadline, ...rest } = decoded.command;
    assert.deepEqual([rest, decoded.address], [command, address]);
    assert.ok(decodedDeadline > deadline - 1_000);
  });

  it('has the time left that it had where it was sent, whatever the clocks of both say', () => {
    for (const jumpMs of [3_600_000, -3_600_000]) {
      const data = encodeRoutedCommand(commandWith(steadyNow() + 5_000), address);
      Date.now = () => now() + jumpMs;
      const leftMs = decodeRoutedCommand(data).command.deadline - steadyNow();
      assert.ok(leftMs > 0 && leftMs <= 5_000, `${leftMs} ms left`);
      const over = encodeRoutedCommand(commandWith(steadyNow() - 1), address);
      assert.ok(decodeRoutedCommand(over).command.deadline <= steadyNow());
      Date.now = now;
    }
  });
});
