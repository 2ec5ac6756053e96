import { isDeepStrictEqual } from 'node:util';
import type { Commit } from '../../platform/journal/journal.js';
import { legacyRejectionText, rejectionFault } from '../../services/thread/command/adapters/rejections.js';
import type { ThreadCommand } from '../../services/thread/command/domain/thread-command.js';
import type { ThreadState } from '../../services/thread/command/domain/thread-state.js';
import { threadDecider } from '../../services/thread/command/domain/thread.js';
import { threadEventCodec } from '../../services/thread/events/thread-event-codec.js';
import type { ThreadEvent } from '../../services/thread/events/thread-event.js';
import type { Operation, ThreadRows } from './history.js';

/** A commit with its events, and what is the identity of the request that it came from. */
export interface ThreadCommit {
  readonly threadId: string;
  readonly version: number;
  readonly commandId: string;
  readonly requestId: string;
  /** When it was decided, epoch milliseconds. */
  readonly time: number;
  readonly events: readonly ThreadEvent[];
}

/** @throws Fault when an event cannot be decoded */
export function toThreadCommit({ aggregateId, version, commandId, time, events }: Commit): ThreadCommit {
  // <account>/r/<request id>, or <account>/x/<x-request-id>/<fingerprint>.
  const requestId = commandId.split('/')[2] ?? '';
  return {
    ...{ threadId: aggregateId, version, commandId, requestId, time },
    events: events.map((event) => threadEventCodec.decode(event)),
  };
}

/** The state after each version, from 0 on. */
export function statesOf(commits: readonly ThreadCommit[]): ThreadState[] {
  const states: ThreadState[] = [threadDecider.initialState];
  for (const { events } of commits) {
    states.push(events.reduce((state, event) => threadDecider.evolve(state, event), states.at(-1) as ThreadState));
  }
  return states;
}

/** What the read model must show of a thread. */
export function expectedRows(commits: readonly ThreadCommit[]): ThreadRows {
  const [creation] = commits[0]?.events ?? [];
  if (creation?.type !== 'ThreadCreated') throw new Error('the first event creates no thread');
  const { title, creatorId } = creation;
  const state = statesOf(commits).at(-1) as ThreadState;
  const basics = { version: commits.length, title, creatorId };
  if (state.status !== 'live') {
    const nothing = { administratorIds: [], memberIds: [], messages: [], reactions: [], readMarks: [] };
    return { ...basics, isRemoved: true, ...nothing };
  }
  const messages = postedMessages(commits).filter(({ id }) => state.messages.has(id));
  const administratorIds = [...state.administratorIds];
  return {
    ...{ ...basics, isRemoved: false, administratorIds, memberIds: [...state.memberIds] },
    messages: messages.map(({ id, senderId, text }) => ({ id, senderId, text })),
    reactions: messages.flatMap(({ id }) => reactionsTo(id, state)),
    readMarks: readMarksOf(commits),
  };
}

interface PostedMessage {
  readonly id: string;
  readonly senderId: string;
  /** As it was edited last. */
  text: string;
  readonly position: number;
}

/** A position is the version times this, plus a number within the commit (thread-projector's tables). */
const POSITIONS_IN_COMMIT = 2 ** 20;

/** All messages that were ever posted, in order. */
function postedMessages(commits: readonly ThreadCommit[]): PostedMessage[] {
  const posted: PostedMessage[] = [];
  const byId = new Map<string, PostedMessage>();
  for (const { version, events } of commits) {
    let position = version * POSITIONS_IN_COMMIT;
    for (const event of events) {
      if (event.type === 'MessagesAdded') {
        const { senderId } = event;
        for (const { id, text } of event.messages) {
          const message = { id, senderId, text, position: position++ };
          posted.push(message);
          byId.set(id, message);
        }
      } else if (event.type === 'MessageEdited') {
        const message = byId.get(event.messageId);
        if (message !== undefined) message.text = event.text;
      }
    }
  }
  return posted;
}

function reactionsTo(messageId: string, state: ThreadState): string[] {
  if (state.status !== 'live') return [];
  const reactions = state.messages.get(messageId)?.reactions;
  return [...(reactions ?? [])].flatMap(([reaction, accounts]) =>
    [...accounts].map((account) => `${messageId}/${reaction}/${account}`),
  );
}

function readMarksOf(commits: readonly ThreadCommit[]): string[] {
  const positions = new Map(postedMessages(commits).map(({ id, position }) => [id, position]));
  const marks = new Map<string, number | undefined>();
  for (const event of commits.flatMap(({ events }) => events)) {
    if (event.type === 'MessagesRead') marks.set(event.accountId, positions.get(event.messageId));
  }
  return [...marks].map(([account, position]) => `${account}/${position}`);
}

/** The events that the operation's command causes in this state, or the rejection's words in either API. */
export function decide(operation: Operation, state: ThreadState, committed?: ThreadCommit): Decided {
  const command = commandOf(operation, committed);
  const decision = threadDecider.decide(command, state);
  if (decision.kind === 'accepted') return { kind: 'accepted', events: decision.events };
  const { rejection } = decision;
  const reasons = [
    rejectionFault(rejection).reason,
    legacyRejectionText(rejection, command.type) ?? OLDER_FIELD_TEXT,
  ] as const;
  return { kind: 'rejected', reasons };
}

export type Decided =
  | { readonly kind: 'accepted'; readonly events: readonly ThreadEvent[] }
  | { readonly kind: 'rejected'; readonly reasons: readonly [newer: string, older: string] };

/** The older API tells of wrong replies field by field: the load does not send those by it. */
const OLDER_FIELD_TEXT = '';

/** True when the commit is what the command causes in this state, but for ids and times, which come with the command. */
export function isCausedBy(commit: ThreadCommit, operation: Operation, before: ThreadState): boolean {
  const decided = decide(operation, before, commit);
  if (decided.kind !== 'accepted') return false;
  return isDeepStrictEqual(decided.events.map(withoutAbsent), commit.events.map(withoutAbsent));
}

/** What was absent may come back from the wire as undefined or not at all. */
function withoutAbsent(event: ThreadEvent): unknown {
  return JSON.parse(JSON.stringify(event));
}

/** The ids that an answer to the commit's command has; undefined when it has none. */
export function answeredIds(operation: Operation, { events }: ThreadCommit): string[] | undefined {
  const { type } = operation.intent;
  if (type === 'CreateThread' || type === 'DestroyThread') return undefined;
  return events.flatMap((event) => {
    switch (event.type) {
      case 'MessagesAdded':
        return event.messages.map(({ id }) => id);
      case 'MessagesRemoved':
        return [...event.messageIds];
      case 'AdministratorIdsJoined':
      case 'AdministratorIdsLeft':
        return [...event.administratorIds];
      case 'MemberIdsJoined':
      case 'MemberIdsLeft':
        return [...event.memberIds];
      default:
        return [];
    }
  });
}

/** The operation as a command; ids and times that came with the command are those of its commit, if there is one. */
export function commandOf({ intent, accountId }: Operation, committed: ThreadCommit | undefined): ThreadCommand {
  const [event] = committed?.events ?? [];
  const issued = { accountId, occurredAt: event?.occurredAt ?? 0 };
  switch (intent.type) {
    case 'CreateThread':
      return { ...intent, ...issued, threadId: committed?.threadId ?? '' };
    case 'AddMessages': {
      const added = event?.type === 'MessagesAdded' ? event.messages : [];
      const messages = intent.messages.map((message, index) => ({
        ...message,
        id: added[index]?.id ?? `${index}`,
        toAccountIds: [],
      }));
      return { type: intent.type, ...issued, messages };
    }
    default:
      return { ...intent, ...issued } as ThreadCommand;
  }
}
