import { Client, credentials } from '@grpc/grpc-js';
import { protoClient } from '../../platform/testing/proto-client.js';

export { type Failure, failureOf } from '../../platform/testing/failure.js';

/** A message as proto-loader has it: fields by their names in the .proto, int64 as text. */
export type Message = Record<string, unknown>;

/** The services that clients are made for, and the files that declare them. */
const files = {
  'threadweaver.thread.v1.ThreadCommandService': 'threadweaver/thread/v1/thread_command_service.proto',
  'threadweaver.thread.v1.ThreadQueryService': 'threadweaver/thread/v1/thread_query_service.proto',
  'thread.ThreadCommandService': 'thread/thread_services.proto',
  'thread.ThreadQueryService': 'thread/thread_services.proto',
  'grpc.health.v1.Health': 'grpc/health/v1/health.proto',
} as const;
export type ServiceName = keyof typeof files;

/** A client made of the raw .proto files, so that generated code does not test itself. */
export interface ContractClient {
  /** Makes a unary call; rejects with grpc-js's ServiceError. */
  call(method: string, request: Message, metadata?: Record<string, string>): Promise<Message>;
  close(): void;
}

export function contractClient(service: ServiceName, authority: string): ContractClient {
  const client = protoClient(files[service], service, authority);
  return {
    call: (method, request, metadata = {}) => client.call(method, request, { metadata, timeoutMs: 15_000 }),
    close: () => client.close(),
  };
}

/** Sends bytes as the request of a unary call, be they a message or not. */
export function rawCall(authority: string, path: string, request: Buffer): Promise<Buffer> {
  const client = new Client(authority, credentials.createInsecure());
  const same = (bytes: Buffer) => bytes;
  return new Promise<Buffer>((resolve, reject) => {
    client.makeUnaryRequest(path, same, same, request, (error, response) =>
      error === null ? resolve(response ?? Buffer.alloc(0)) : reject(error),
    );
  }).finally(() => client.close());
}
