import { Client, credentials, type ServiceError, type status } from '@grpc/grpc-js';
import { BadRequest, ErrorInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';
import { protoClient } from '../../shared/testing/proto-client.js';

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

/** A failed call, with its google.rpc details. */
export interface Failure {
  readonly code: status;
  readonly message: string;
  /** Field → description, of the BadRequest; empty when there is none. */
  readonly fields: Readonly<Record<string, string>>;
  /** Of the ErrorInfo; undefined when there is none. */
  readonly reason: string | undefined;
}

/** @throws Error when the call succeeds after all */
export async function failureOf(call: Promise<unknown>): Promise<Failure> {
  const error = await call.then(
    (response) => {
      throw new Error(`the call succeeded: ${JSON.stringify(response)}`);
    },
    (thrown: unknown) => thrown as ServiceError,
  );
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  const { details } = bytes === undefined ? { details: [] } : Status.decode(bytes as Buffer);
  const detail = (type: string) => details.find(({ typeUrl }) => typeUrl === `type.googleapis.com/google.rpc.${type}`);
  const badRequest = detail('BadRequest');
  const errorInfo = detail('ErrorInfo');
  return {
    code: error.code,
    message: error.details,
    fields: Object.fromEntries(
      badRequest === undefined
        ? []
        : BadRequest.decode(badRequest.value).fieldViolations.map(({ field, description }) => [field, description]),
    ),
    reason: errorInfo === undefined ? undefined : ErrorInfo.decode(errorInfo.value).reason,
  };
}
