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
  | RemoveMessages;

interface Issued {
  /** Who acts. */
  readonly accountId: string;
  /** Epoch milliseconds. */
  readonly occurredAt: number;
}

export interface CreateThread extends Issued {
  readonly type: 'CreateThread';
  readonly threadId: string;
  /** The parent, and whether such a thread is there, which the caller has looked up. */
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
