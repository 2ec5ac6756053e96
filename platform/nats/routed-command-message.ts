import * as proto from '../../gen/threadweaver/bus/v1/routed_command.js';
import { Fault, type FaultKind } from '../kernel/fault.js';
import { steadyNow } from '../kernel/steady-clock.js';
import type { RoutedAnswer, RoutedCommand } from '../commands/command-bus.js';

/** Where an answer goes. */
export interface ReturnAddress {
  readonly replyTo: string;
  readonly correlation: string;
}

export function encodeRoutedCommand(command: RoutedCommand, address: ReturnAddress): Uint8Array {
  const { trace, deadline, startsAggregate = false, ...rest } = command;
  const leftMs = Math.min(Math.max(0, deadline - steadyNow()), 2 ** 31);
  return proto.RoutedCommand.encode({
    ...rest,
    ...address,
    ...trace,
    command: bufferOf(rest.command),
    startsAggregate,
    deadlineMs: BigInt(Math.floor(Date.now() + leftMs)),
    leftMs: BigInt(Math.floor(leftMs)),
  }).finish();
}

/**
 * The command's deadline begins anew where it is read, as clocks of machines differ: the bus keeps it no longer than that.
 * @throws Error when the bytes are no command
 */
export function decodeRoutedCommand(data: Uint8Array): { command: RoutedCommand; address: ReturnAddress } {
  const { replyTo, correlation, requestId, traceparent, deadlineMs, leftMs, ...rest } =
    proto.RoutedCommand.decode(data);
  const trace = { requestId, traceparent };
  // Older versions only tell the time of day.
  const remainingMs = leftMs === undefined ? Number(deadlineMs) - Date.now() : Number(leftMs);
  return { command: { ...rest, trace, deadline: steadyNow() + remainingMs }, address: { replyTo, correlation } };
}

export function encodeAnswer(correlation: string, answer: RoutedAnswer): Uint8Array {
  return proto.CommandAnswer.encode({ correlation, answer: answerOf(answer) }).finish();
}

function answerOf(answer: RoutedAnswer): proto.CommandAnswer['answer'] {
  switch (answer.kind) {
    case 'committed': {
      const events = answer.events as proto.Committed['events'];
      return {
        $case: 'committed',
        value: { version: BigInt(answer.version), events, repeatedCommand: answer.repeated },
      };
    }
    case 'rejected':
      return { $case: 'rejected', value: bufferOf(answer.rejection) };
    case 'failed':
      return { $case: 'failed', value: { kind: answer.fault, reason: answer.reason, message: answer.message } };
  }
}

/** @throws Error when the bytes are no answer */
export function decodeAnswer(data: Uint8Array): { correlation: string; answer: RoutedAnswer } {
  const { correlation, answer } = proto.CommandAnswer.decode(data);
  switch (answer?.$case) {
    case 'committed': {
      const { version, events, repeatedCommand } = answer.value;
      return {
        correlation,
        answer: { kind: 'committed', version: Number(version), events, repeated: repeatedCommand },
      };
    }
    case 'rejected':
      return { correlation, answer: { kind: 'rejected', rejection: answer.value } };
    case 'failed': {
      const { kind, reason, message } = answer.value;
      return { correlation, answer: { kind: 'failed', fault: kind as FaultKind, reason, message } };
    }
    case undefined:
      throw new Fault('internal', 'UNREADABLE_ANSWER', 'an answer on the command bus cannot be read');
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
