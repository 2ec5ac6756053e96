/** Why a thread refuses a command. */
export type ThreadRejection =
  | { readonly code: 'NOT_CREATED' }
  | { readonly code: 'ALREADY_CREATED' }
  | { readonly code: 'DESTROYED' }
  | { readonly code: 'PARENT_NOT_FOUND' }
  | { readonly code: 'NO_ADMINISTRATOR' }
  | { readonly code: 'NOT_ADMINISTRATOR' }
  | { readonly code: 'NOT_PARTICIPANT' }
  | { readonly code: 'NOT_SENDER' }
  | { readonly code: 'LAST_ADMINISTRATOR' }
  | { readonly code: 'MESSAGE_NOT_FOUND' }
  | { readonly code: 'TOO_MANY_MESSAGES' }
  | { readonly code: 'TOO_MANY_REACTIONS' }
  /** The indexes of the command's messages that reply to what is no message of this thread. */
  | { readonly code: 'REPLY_TARGET_NOT_FOUND'; readonly messageIndexes: readonly number[] };
