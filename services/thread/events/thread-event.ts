/** Facts about a thread. Ids are ULIDs in upper case; times are epoch milliseconds. */
export type ThreadEvent =
  | ThreadCreated
  | ThreadDestroyed
  | AdministratorIdsJoined
  | AdministratorIdsLeft
  | MemberIdsJoined
  | MemberIdsLeft
  | MessagesAdded
  | MessagesRemoved
  | MessageEdited
  | ThreadUpdated
  | ReactionAdded
  | ReactionRemoved
  | MessagesRead;

export interface ThreadCreated {
  readonly type: 'ThreadCreated';
  readonly threadId: string;
  readonly creatorId: string;
  readonly parentThreadId?: string | undefined;
  readonly title: string;
  readonly remarks?: string | undefined;
  readonly administratorIds: readonly string[];
  readonly memberIds: readonly string[];
  readonly occurredAt: number;
}

export interface ThreadDestroyed {
  readonly type: 'ThreadDestroyed';
  readonly accountId: string;
  readonly occurredAt: number;
}

/** Only those accounts that were not administrators before. */
export interface AdministratorIdsJoined {
  readonly type: 'AdministratorIdsJoined';
  readonly accountId: string;
  readonly administratorIds: readonly string[];
  readonly occurredAt: number;
}

/** Only those accounts that were administrators. */
export interface AdministratorIdsLeft {
  readonly type: 'AdministratorIdsLeft';
  readonly accountId: string;
  readonly administratorIds: readonly string[];
  readonly occurredAt: number;
}

/** Only those accounts that were not members before. */
export interface MemberIdsJoined {
  readonly type: 'MemberIdsJoined';
  readonly accountId: string;
  readonly memberIds: readonly string[];
  readonly occurredAt: number;
}

/** Only those accounts that were members. */
export interface MemberIdsLeft {
  readonly type: 'MemberIdsLeft';
  readonly accountId: string;
  readonly memberIds: readonly string[];
  readonly occurredAt: number;
}

export interface MessagesAdded {
  readonly type: 'MessagesAdded';
  readonly senderId: string;
  readonly messages: readonly AddedMessage[];
  readonly occurredAt: number;
}

export interface AddedMessage {
  readonly id: string;
  readonly replyMessageId?: string | undefined;
  readonly toAccountIds: readonly string[];
  readonly text: string;
}

/** Only messages that were there. */
export interface MessagesRemoved {
  readonly type: 'MessagesRemoved';
  readonly removerId: string;
  readonly messageIds: readonly string[];
  readonly occurredAt: number;
}

export interface MessageEdited {
  readonly type: 'MessageEdited';
  readonly senderId: string;
  readonly messageId: string;
  readonly text: string;
  readonly occurredAt: number;
}

/** What is undefined is as it was. */
export interface ThreadUpdated {
  readonly type: 'ThreadUpdated';
  readonly accountId: string;
  readonly title?: string | undefined;
  readonly remarks?: string | undefined;
  /** The thread has no remarks any more; `remarks` is undefined then. */
  readonly clearsRemarks: boolean;
  readonly occurredAt: number;
}

/** Only one that was not there before. */
export interface ReactionAdded {
  readonly type: 'ReactionAdded';
  readonly accountId: string;
  readonly messageId: string;
  /** One emoji. */
  readonly reaction: string;
  readonly occurredAt: number;
}

/** Only one that was there. */
export interface ReactionRemoved {
  readonly type: 'ReactionRemoved';
  readonly accountId: string;
  readonly messageId: string;
  readonly reaction: string;
  readonly occurredAt: number;
}

/** The account has read this message and all before it; never one before what it had read already. */
export interface MessagesRead {
  readonly type: 'MessagesRead';
  readonly accountId: string;
  readonly messageId: string;
  readonly occurredAt: number;
}
