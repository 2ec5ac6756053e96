/** One request, at all its attempts. */
export interface Call {
  /** By which the mesh knows a repeat. */
  readonly requestId: string;
  /** Epoch milliseconds. Part of what older clients send, so the same at each attempt. */
  readonly startedAt: number;
  /** Epoch milliseconds. */
  readonly deadlineAt: number;
}

/** An attempt that failed, or whose answer was not right. */
export class CallFailed extends Error {
  /**
   * @param kind what went wrong, from a small set, to be counted: `timeout`, `HTTP 503`, `UNAVAILABLE`, `check: …`
   * @param isRetryable the mesh was not reached or could not serve; the same request may be sent again
   */
  constructor(
    readonly kind: string,
    readonly isRetryable: boolean,
  ) {
    super(kind);
  }
}

/** A commit as a watcher got it. */
export interface WatchedCommit {
  readonly version: number;
  /** Of the messages that were posted. */
  readonly texts: readonly string[];
}

/** What users do with threads, over whichever protocol. Every method throws CallFailed. */
export interface ThreadApi {
  createThread(
    call: Call,
    request: { readonly accountId: string; readonly title: string; readonly memberIds: readonly string[] },
  ): Promise<{ readonly threadId: string; readonly version: number }>;
  /** @param request.minVersion waits until the read model is there */
  getThread(
    call: Call,
    request: { readonly accountId: string; readonly threadId: string; readonly minVersion?: number },
  ): Promise<{ readonly id: string | undefined }>;
  joinMembers(
    call: Call,
    request: { readonly accountId: string; readonly threadId: string; readonly memberIds: readonly string[] },
  ): Promise<{ readonly version: number }>;
  leaveMembers(
    call: Call,
    request: { readonly accountId: string; readonly threadId: string; readonly memberIds: readonly string[] },
  ): Promise<{ readonly version: number }>;
  postMessage(
    call: Call,
    request: { readonly accountId: string; readonly threadId: string; readonly text: string },
  ): Promise<{ readonly version: number; readonly messageId: string }>;
  /**
   * A page of messages.
   * @param request.around over gRPC the page is around this message; REST, which has no such thing, takes `offset`
   * @returns their ids
   */
  readMessages(
    call: Call,
    request: {
      readonly accountId: string;
      readonly threadId: string;
      readonly minVersion?: number;
      readonly around?: string;
      readonly offset: number;
      readonly limit: number;
    },
  ): Promise<readonly string[]>;
  /** History from a version on, then what happens. Ends when the mesh ends it or the signal is aborted. */
  watchThread(
    request: {
      readonly accountId: string;
      readonly threadId: string;
      readonly fromVersion: number;
      readonly minVersion: number;
    },
    signal: AbortSignal,
  ): AsyncIterable<WatchedCommit>;
  close(): Promise<void>;
}
