import type { HttpAnswer, HttpClient } from './http-client.js';
import { httpFailure } from './http-client.js';
import { CallFailed, type Call, type ThreadApi, type WatchedCommit } from './thread-api.js';

interface RestBody {
  readonly threadId?: string | null;
  readonly messageIds?: readonly string[];
  readonly result?: unknown;
  readonly error_messages?: readonly string[];
}

/** The older REST API. */
export class RestThreadApi implements ThreadApi {
  constructor(private readonly http: HttpClient) {}

  async createThread(call: Call, request: Parameters<ThreadApi['createThread']>[1]) {
    const { accountId, title, memberIds } = request;
    const { body, version } = await this.#command(call, '/v1/threads/create', {
      accountId,
      title,
      administratorIds: [accountId],
      memberIds,
    });
    if (typeof body.threadId !== 'string') throw new CallFailed('check: no thread id', false);
    return { threadId: body.threadId, version };
  }

  async getThread(call: Call, { accountId, threadId, minVersion }: Parameters<ThreadApi['getThread']>[1]) {
    const { result } = await this.#query(call, `/v1/threads/${threadId}?account_id=${accountId}`, minVersion);
    return { id: (result as { id?: string } | undefined)?.id };
  }

  async joinMembers(call: Call, request: Parameters<ThreadApi['joinMembers']>[1]) {
    const { accountId, threadId, memberIds } = request;
    return this.#command(call, `/v1/threads/${threadId}/member-ids/join`, { accountId, accountIds: memberIds });
  }

  async leaveMembers(call: Call, request: Parameters<ThreadApi['leaveMembers']>[1]) {
    const { accountId, threadId, memberIds } = request;
    return this.#command(call, `/v1/threads/${threadId}/member-ids/leave`, { accountId, accountIds: memberIds });
  }

  async postMessage(call: Call, { accountId, threadId, text }: Parameters<ThreadApi['postMessage']>[1]) {
    const messages = [{ toAccountIds: [], text }];
    const { body, version } = await this.#command(call, `/v1/threads/${threadId}/messages/add`, {
      accountId,
      messages,
    });
    const messageId = body.messageIds?.[0];
    if (messageId === undefined) throw new CallFailed('check: no message id', false);
    return { version, messageId };
  }

  async readMessages(call: Call, request: Parameters<ThreadApi['readMessages']>[1]) {
    const { accountId, threadId, minVersion, offset, limit } = request;
    const path = `/v1/threads/${threadId}/messages?account_id=${accountId}&offset=${offset}&limit=${limit}`;
    const { result } = await this.#query(call, path, minVersion);
    if (!Array.isArray(result)) throw new CallFailed('check: no messages', false);
    return (result as { id: string }[]).map(({ id }) => id);
  }

  /** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html */
  async *watchThread(
    { accountId, threadId, fromVersion, minVersion }: Parameters<ThreadApi['watchThread']>[0],
    signal: AbortSignal,
  ): AsyncIterable<WatchedCommit> {
    const path = `/v1/threads/${threadId}/events?account_id=${accountId}&from_version=${fromVersion}`;
    const headers = { accept: 'text/event-stream', 'x-min-version': String(minVersion) };
    let rest = '';
    for await (const chunk of this.http.get(path, headers, signal)) {
      const frames = (rest + chunk).split('\n\n');
      rest = frames.pop() ?? '';
      for (const frame of frames) {
        const commit = watchedCommit(frame);
        if (commit !== undefined) yield commit;
      }
    }
  }

  close(): Promise<void> {
    return this.http.close();
  }

  async #command(call: Call, path: string, content: object) {
    const headers = { 'content-type': 'application/json', 'x-request-id': call.requestId };
    const text = JSON.stringify({ ...content, createAt: call.startedAt });
    const answer = await this.http.send('POST', path, headers, text, call.deadlineAt);
    const body = parsed(answer);
    const [error] = body.error_messages ?? [];
    if (error !== undefined) throw new CallFailed(`check: ${error}`, false);
    return { body, version: Number(answer.headers['x-thread-version']) };
  }

  async #query(call: Call, path: string, minVersion: number | undefined): Promise<RestBody> {
    const headers: Record<string, string> = { 'x-request-id': call.requestId };
    if (minVersion !== undefined) headers['x-min-version'] = String(minVersion);
    return parsed(await this.http.send('GET', path, headers, undefined, call.deadlineAt));
  }
}

function parsed({ status, body }: HttpAnswer): RestBody {
  if (status !== 200) throw httpFailure(status);
  try {
    return JSON.parse(body.toString()) as RestBody;
  } catch {
    throw new CallFailed('check: no JSON', false);
  }
}

/** @returns undefined for what is no commit: those alone have an id, their version */
function watchedCommit(frame: string): WatchedCommit | undefined {
  const [, version, data = '{}'] = /^id: (\d+)$[^]*^data: (.*)$/m.exec(frame) ?? [];
  if (version === undefined) return undefined;
  // Without events nothing has changed, but the version.
  const { events = [] } = JSON.parse(data) as { events?: { messagesAdded?: { messages: { text: string }[] } }[] };
  const texts = events.flatMap(({ messagesAdded }) => messagesAdded?.messages.map(({ text }) => text) ?? []);
  return { version: Number(version), texts };
}
