/** What a client asks of a thread, in the words of the new API. Lists are in the order of the request. */
export type Intent =
  | {
      readonly type: 'CreateThread';
      readonly title: string;
      readonly administratorIds: readonly string[];
      readonly memberIds: readonly string[];
    }
  | { readonly type: 'DestroyThread' }
  | { readonly type: 'JoinAdministratorIds' | 'LeaveAdministratorIds'; readonly administratorIds: readonly string[] }
  | { readonly type: 'JoinMemberIds' | 'LeaveMemberIds'; readonly memberIds: readonly string[] }
  | { readonly type: 'AddMessages'; readonly messages: readonly IntendedMessage[] }
  | { readonly type: 'RemoveMessages'; readonly messageIds: readonly string[] }
  | { readonly type: 'EditMessage'; readonly messageId: string; readonly text: string }
  | { readonly type: 'AddReaction' | 'RemoveReaction'; readonly messageId: string; readonly reaction: string }
  | { readonly type: 'MarkRead'; readonly messageId: string };

export interface IntendedMessage {
  readonly text: string;
  readonly replyMessageId?: string | undefined;
}

/** What became of an operation, as its client knows it. */
export type Outcome =
  | {
      readonly kind: 'acknowledged';
      /** Undefined where the API does not tell it. */
      readonly threadId?: string | undefined;
      readonly version?: number | undefined;
      /** The ids in the answer: messages, or accounts. */
      readonly ids?: readonly string[] | undefined;
    }
  /** By the domain: the reason of the new API, or the older API's text. */
  | { readonly kind: 'rejected'; readonly reason: string }
  /** No answer, or one that leaves the outcome open. */
  | { readonly kind: 'unknown'; readonly reason: string }
  /** An answer that no client should ever get. */
  | { readonly kind: 'unexpected'; readonly reason: string };

/** One command of one client, with all its attempts. Times are epoch milliseconds of one machine. */
export interface Operation {
  readonly client: string;
  readonly api: 'grpc' | 'rest';
  readonly accountId: string;
  readonly requestId: string;
  /** Undefined for CreateThread. */
  readonly threadId: string | undefined;
  readonly intent: Intent;
  /** True for a repeat of an earlier operation that was answered; it has the same request id. */
  readonly isRepeat: boolean;
  /** When the first attempt began. */
  readonly invokedAt: number;
  /** When the outcome was known, or given up. */
  readonly completedAt: number;
  readonly attempts: number;
  readonly outcome: Outcome;
}

/** A thread's rows in MySQL. */
export interface ThreadRows {
  readonly version: number;
  readonly title: string;
  readonly creatorId: string;
  readonly isRemoved: boolean;
  /** In any order. */
  readonly administratorIds: readonly string[];
  /** In any order. */
  readonly memberIds: readonly string[];
  /** In the order of posting. */
  readonly messages: readonly { readonly id: string; readonly senderId: string; readonly text: string }[];
  /** Each as `message/reaction/account`, in any order. */
  readonly reactions: readonly string[];
  /** Each as `account/position of the last message read`, in any order. */
  readonly readMarks: readonly string[];
}
