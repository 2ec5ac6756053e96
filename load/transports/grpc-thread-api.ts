import type { ServiceError } from '@grpc/grpc-js';
import { ThreadCommandServiceService as commands } from '../../gen/threadweaver/thread/v1/thread_command_service.js';
import { ThreadQueryServiceService as queries } from '../../gen/threadweaver/thread/v1/thread_query_service.js';
import { type GrpcChannel, grpcFailure } from './grpc-channel.js';
import { CallFailed, type Call, type ThreadApi, type WatchedCommit } from './thread-api.js';

/** The API `threadweaver.thread.v1`, over gRPC. */
export class GrpcThreadApi implements ThreadApi {
  constructor(private readonly channel: GrpcChannel) {}

  async createThread(call: Call, { accountId, title, memberIds }: Parameters<ThreadApi['createThread']>[1]) {
    const { requestId, deadlineAt } = call;
    const request = { requestId, accountId, title, administratorIds: [accountId], memberIds: [...memberIds] };
    const { threadId, version } = await this.#call(commands.createThread, request, { deadlineAt });
    return { threadId, version: Number(version) };
  }

  async getThread(call: Call, { accountId, threadId, minVersion = 0 }: Parameters<ThreadApi['getThread']>[1]) {
    const request = { accountId, threadId, minVersion: BigInt(minVersion) };
    const { thread } = await this.#call(queries.getThread, request, { ...call, threadId });
    return { id: thread?.id };
  }

  async joinMembers({ requestId, deadlineAt }: Call, request: Parameters<ThreadApi['joinMembers']>[1]) {
    const content = { ...request, requestId, memberIds: [...request.memberIds] };
    const { threadId } = request;
    const { version } = await this.#call(commands.joinMemberIds, content, { deadlineAt, threadId });
    return { version: Number(version) };
  }

  async leaveMembers({ requestId, deadlineAt }: Call, request: Parameters<ThreadApi['leaveMembers']>[1]) {
    const content = { ...request, requestId, memberIds: [...request.memberIds] };
    const { threadId } = request;
    const { version } = await this.#call(commands.leaveMemberIds, content, { deadlineAt, threadId });
    return { version: Number(version) };
  }

  async postMessage(call: Call, { accountId, threadId, text }: Parameters<ThreadApi['postMessage']>[1]) {
    const { requestId, deadlineAt } = call;
    const messages = [{ replyMessageId: undefined, toAccountIds: [], text }];
    const request = { requestId, accountId, threadId, messages };
    const { version, messageIds } = await this.#call(commands.addMessages, request, { deadlineAt, threadId });
    const [messageId] = messageIds;
    if (messageId === undefined) throw new CallFailed('check: no message id', false);
    return { version: Number(version), messageId };
  }

  async readMessages({ deadlineAt }: Call, request: Parameters<ThreadApi['readMessages']>[1]) {
    const { accountId, threadId, minVersion = 0, around, limit } = request;
    const { messages } = await this.#call(
      queries.listMessages,
      {
        accountId,
        threadId,
        pageSize: limit,
        pageToken: '',
        aroundMessageId: around,
        minVersion: BigInt(minVersion),
      },
      { deadlineAt, threadId },
    );
    return messages.map(({ id }) => id);
  }

  async *watchThread(
    { accountId, threadId, fromVersion, minVersion }: Parameters<ThreadApi['watchThread']>[0],
    signal: AbortSignal,
  ): AsyncIterable<WatchedCommit> {
    const request = { accountId, threadId, fromVersion: BigInt(fromVersion), minVersion: BigInt(minVersion) };
    for await (const { content } of this.channel.stream(queries.watchThread, request, { threadId, signal })) {
      if (content?.$case !== 'commit') continue;
      const { version, events } = content.value;
      const texts = events.flatMap(({ event }) =>
        event?.$case === 'messagesAdded' ? event.value.messages.map(({ text }) => text) : [],
      );
      yield { version: Number(version), texts };
    }
  }

  close(): Promise<void> {
    return this.channel.close();
  }

  async #call<Request, Response>(...call: Parameters<typeof GrpcChannel.prototype.call<Request, Response>>) {
    try {
      return await this.channel.call(...call);
    } catch (error) {
      throw grpcFailure(error as ServiceError);
    }
  }
}
