import type { Context } from '../../../platform/journal/context.js';
import { threadAccessRules } from './access-rules.js';
import { threadEventCodec } from './thread-event-codec.js';
import type { ThreadEvent } from './thread-event.js';

/** The context of chat threads. */
export const threadContext: Context<ThreadEvent> = {
  name: 'thread',
  prefix: 'THREAD',
  codec: threadEventCodec,
  aggregateTypes: ['thread'],
  access: threadAccessRules,
};
