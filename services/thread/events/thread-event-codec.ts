import * as proto from '../../../gen/threadweaver/thread/event/v1/thread_events.js';
import { EventCodec, type EventFormat, type EventFormats } from '../../../platform/journal/event-codec.js';
import type { ThreadEvent } from './thread-event.js';

/** What ts-proto generates for a message. */
interface MessageFns<Body> {
  encode(body: Body): { finish(): Uint8Array };
  decode(data: Uint8Array): Body;
}

/** A body as generated: the event without its type, and its time as a Date. */
type BodyOf<Event> = Omit<Event, 'type' | 'occurredAt'> & { occurTime?: Date | undefined };

function formatOf<Event extends ThreadEvent>(
  type: Event['type'],
  message: MessageFns<BodyOf<Event> & object>,
): EventFormat<Event> {
  return {
    schemaVersion: 1,
    encode({ type: _, occurredAt, ...rest }) {
      return message.encode({ ...rest, occurTime: new Date(occurredAt) } as BodyOf<Event>).finish();
    },
    decode(data) {
      const { occurTime, ...rest } = message.decode(data);
      if (occurTime === undefined) throw new Error('occur_time is missing');
      return { type, occurredAt: occurTime.getTime(), ...rest } as unknown as Event;
    },
  };
}

/**
 * The stored form of each event. A change that a new field cannot express raises `schemaVersion` and adds an
 * upcaster from the version before.
 */
const threadEventFormats: EventFormats<ThreadEvent> = {
  ThreadCreated: formatOf('ThreadCreated', proto.ThreadCreated),
  ThreadDestroyed: formatOf('ThreadDestroyed', proto.ThreadDestroyed),
  AdministratorIdsJoined: formatOf('AdministratorIdsJoined', proto.AdministratorIdsJoined),
  AdministratorIdsLeft: formatOf('AdministratorIdsLeft', proto.AdministratorIdsLeft),
  MemberIdsJoined: formatOf('MemberIdsJoined', proto.MemberIdsJoined),
  MemberIdsLeft: formatOf('MemberIdsLeft', proto.MemberIdsLeft),
  MessagesAdded: formatOf('MessagesAdded', proto.MessagesAdded),
  MessagesRemoved: formatOf('MessagesRemoved', proto.MessagesRemoved),
  MessageEdited: formatOf('MessageEdited', proto.MessageEdited),
  ThreadUpdated: formatOf('ThreadUpdated', proto.ThreadUpdated),
  ReactionAdded: formatOf('ReactionAdded', proto.ReactionAdded),
  ReactionRemoved: formatOf('ReactionRemoved', proto.ReactionRemoved),
  MessagesRead: formatOf('MessagesRead', proto.MessagesRead),
};

export const threadEventCodec = new EventCodec<ThreadEvent>(threadEventFormats);
