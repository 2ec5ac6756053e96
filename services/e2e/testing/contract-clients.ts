import { join } from 'node:path';
import {
  Client,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceClientConstructor,
  type ServiceError,
  type status,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { BadRequest, ErrorInfo } from '../../gen/google/rpc/error_details.js';
import { Status } from '../../gen/google/rpc/status.js';
import { projectRoot } from '../../shared/adapters/project-root.js';

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
  const proto = join(projectRoot, 'proto');
  const definition = loadSync(files[service], {
    includeDirs: [proto, join(proto, 'third_party')],
    keepCase: true,
    longs: String,
    defaults: true,
  });
  const ServiceClient = service
    .split('.')
    .reduce<unknown>((folder, name) => (folder as Record<string, unknown>)[name], loadPackageDefinition(definition));
  const client = new (ServiceClient as ServiceClientConstructor)(authority, credentials.createInsecure(), {
    'grpc.max_receive_message_length': 64 * 1024 * 1024,
  });
  return {
    call: (method, request, metadata = {}) =>
      new Promise((resolve, reject) => {
        const headers = new Metadata();
        for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
        const options = { deadline: Date.now() + 15_000 };
        const run = client[method] as (...args: unknown[]) => unknown;
        if (typeof run !== 'function') throw new Error(`${service} has no ${method}`);
        run.call(client, request, headers, options, (error: ServiceError | null, response: Message) =>
          error === null ? resolve(response) : reject(error),
        );
      }),
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
