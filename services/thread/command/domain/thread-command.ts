/**
 * What may be asked of a thread. Ids are ULIDs in upper case, lists of ids are distinct, texts are within their
 * lengths: the edge has checked that. New ids and the time come with the command.
 */
export type ThreadCommand =
  | CreateThread
  | DestroyThread
  | JoinAdministratorIds
  | LeaveAdministratorIds
  | JoinMemberIds
  | LeaveMemberIds
  | AddMessages
  | RemoveMessages
  | EditMessage
  | UpdateThread
  | AddReaction
  | RemoveReaction
  | MarkRead;

interface Issued {
  /** Who acts. */
  readonly accountId: string;
  /** Epoch milliseconds. */
  readonly occurredAt: number;
}

export interface CreateThread extends Issued {
  readonly type: 'CreateThread';
  readonly threadId: string;
  /** The parent, and whether such a thread is there for the account, which the caller has looked up. */
  readonly parent?: { readonly threadId: string; readonly exists: boolean } | undefined;
  readonly title: string;
  readonly remarks?: string | undefined;
  readonly administratorIds: readonly string[];
  readonly memberIds: readonly string[];
}

export interface DestroyThread extends Issued {
  readonly type: 'DestroyThread';
}

export interface JoinAdministratorIds extends Issued {
  readonly type: 'JoinAdministratorIds';
  readonly administratorIds: readonly string[];
}

export interface LeaveAdministratorIds extends Issued {
  readonly type: 'LeaveAdministratorIds';
  readonly administratorIds: readonly string[];
}

export interface JoinMemberIds extends Issued {
  readonly type: 'JoinMemberIds';
  readonly memberIds: readonly string[];
}

export interface LeaveMemberIds extends Issued {
  readonly type: 'LeaveMemberIds';
  readonly memberIds: readonly string[];
}

export interface AddMessages extends Issued {
  readonly type: 'AddMessages';
  readonly messages: readonly NewMessage[];
}

export interface NewMessage {
  readonly id: string;
  readonly replyMessageId?: string | undefined;
  readonly toAccountIds: readonly string[];
  readonly text: string;
}

export interface RemoveMessages extends Issued {
  readonly type: 'RemoveMessages';
  readonly messageIds: readonly string[];
}

export interface EditMessage extends Issued {
  readonly type: 'EditMessage';
  readonly messageId: string;
  readonly text: string;
}

/** What is undefined stays as it is. */
export interface UpdateThread extends Issued {
  readonly type: 'UpdateThread';
  readonly title?: string | undefined;
  readonly remarks?: string | undefined;
  /** The thread shall have no remarks; `remarks` is undefined then. */
  readonly clearsRemarks: boolean;
}

export interface AddReaction extends Issued {
  readonly type: 'AddReaction';
  readonly messageId: string;
  /** One emoji. */
  readonly reaction: string;
}

export interface RemoveReaction extends Issued {
  readonly type: 'RemoveReaction';
  readonly messageId: string;
  readonly reaction: string;
}

export interface MarkRead extends Issued {
  readonly type: 'MarkRead';
  /** The last message that the account has read. */
  readonly messageId: string;
}
