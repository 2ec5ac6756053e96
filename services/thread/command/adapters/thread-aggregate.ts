import type { AggregateType } from '../../../../platform/commands/aggregate-types.js';
import { threadEventCodec } from '../../events/thread-event-codec.js';
import type { ThreadEvent } from '../../events/thread-event.js';
import type { ThreadCommand } from '../domain/thread-command.js';
import type { ThreadRejection } from '../domain/thread-rejection.js';
import { estimateThreadBytes, type ThreadState } from '../domain/thread-state.js';
import { threadDecider } from '../domain/thread.js';
import { threadCommandCodec } from './thread-command-codec.js';
import { threadStateFormat } from './thread-state-format.js';

/** Threads, as the platform carries out their commands. */
export const threadAggregate: AggregateType<ThreadCommand, ThreadEvent, ThreadState, ThreadRejection> = {
  type: 'thread',
  decider: threadDecider,
  codec: threadEventCodec,
  commands: threadCommandCodec,
  estimateBytes: estimateThreadBytes,
  stateFormat: threadStateFormat,
};
