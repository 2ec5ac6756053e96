import { status, type MethodDefinition, type ServiceError } from '@grpc/grpc-js';
import { GrpcChannel } from '../../load/transports/grpc-channel.js';
import { HttpClient } from '../../load/transports/http-client.js';
import { failureOf } from '../testing/contract-clients.js';
import type { Operation, Outcome } from './history.js';
import { wordsOf } from './words.js';

/** What is sent: the same at each attempt. */
export type Request = Pick<Operation, 'api' | 'accountId' | 'requestId' | 'threadId' | 'intent' | 'invokedAt'>;

/** A way to one process. */
export interface Transport {
  readonly api: Operation['api'];
  /** One attempt. Never throws. */
  send(request: Request, timeoutMs: number): Promise<Outcome>;
  close(): void;
}

/** The new API, at Envoy or at one instance. @param isAddressed names the thread in the metadata, for Envoy */
export function grpcTransport(address: string, { isAddressed = false } = {}): Transport {
  const channel = new GrpcChannel(new URL(`http://${address}`), 1);
  return {
    api: 'grpc',
    async send({ accountId, requestId, threadId, intent }, timeoutMs) {
      const { method, fields } = wordsOf(intent);
      const where = { deadlineAt: Date.now() + timeoutMs, threadId: isAddressed ? threadId : undefined };
      try {
        const answer = await channel.call(
          method as MethodDefinition<object, Readonly<Record<string, unknown>>>,
          { requestId, accountId, ...(threadId === undefined ? {} : { threadId }), ...fields },
          where,
        );
        return {
          kind: 'acknowledged',
          version: Number(answer.version),
          ...(intent.type === 'CreateThread' ? { threadId: answer.threadId as string } : {}),
          ids: idFields.map((field) => answer[field]).find((ids) => Array.isArray(ids)) as string[] | undefined,
        };
      } catch (error) {
        return outcomeOfFailure(error);
      }
    },
    close: () => void channel.close(),
  };
}

const idFields = [
  ...['messageIds', 'joinedAdministratorIds', 'leftAdministratorIds'],
  ...['joinedMemberIds', 'leftMemberIds'],
];

const rejections = new Set([
  ...[status.NOT_FOUND, status.PERMISSION_DENIED, status.FAILED_PRECONDITION, status.ALREADY_EXISTS],
]);
const open = new Set([...[status.UNAVAILABLE, status.DEADLINE_EXCEEDED, status.CANCELLED, status.RESOURCE_EXHAUSTED]]);
/** How grpc-js tells of a broken connection, but only without a reason of ours. */
const brokenTransport = new Set([status.INTERNAL, status.UNKNOWN]);

async function outcomeOfFailure(error: unknown): Promise<Outcome> {
  const { code, message, reason } = await failureOf(Promise.reject(error as ServiceError));
  const text = `${status[code]} ${reason ?? ''} ${message}`;
  if (rejections.has(code) && reason !== undefined) return { kind: 'rejected', reason };
  if (open.has(code) || (brokenTransport.has(code) && reason === undefined)) return { kind: 'unknown', reason: text };
  return { kind: 'unexpected', reason: text };
}

/** The older REST API, through Envoy. Its request id is the header `x-request-id`; its answers tell no version. */
export function restTransport(url: string): Transport {
  const http = new HttpClient(url);
  return {
    api: 'rest',
    async send({ accountId, requestId, threadId, intent, invokedAt }, timeoutMs) {
      const { rest } = wordsOf(intent);
      if (rest === undefined) throw new Error(`the older API has no ${intent.type}`);
      const path = `/v1/threads/${threadId === undefined ? '' : `${threadId}/`}${rest.path}`;
      const body = JSON.stringify({ accountId, createAt: invokedAt, ...rest.body });
      const headers = { 'content-type': 'application/json', 'x-request-id': requestId };
      try {
        const answer = await http.send('POST', path, headers, body, Date.now() + timeoutMs);
        const text = answer.body.toString();
        if (answer.status >= 500 || answer.status === 429 || answer.status === 408) {
          return { kind: 'unknown', reason: `${answer.status} ${text}` };
        }
        if (answer.status !== 200) return { kind: 'unexpected', reason: `${answer.status} ${text}` };
        const told = JSON.parse(text) as Told;
        const [error] = told.error_messages;
        if (error !== undefined) return { kind: 'rejected', reason: error };
        return { kind: 'acknowledged', threadId: told.threadId ?? told.thread_id, ids: told.messageIds };
      } catch (error) {
        return { kind: 'unknown', reason: String(error) };
      }
    },
    close: () => void http.close(),
  };
}

interface Told {
  readonly threadId?: string;
  readonly thread_id?: string;
  readonly messageIds?: string[];
  readonly error_messages: readonly string[];
}
