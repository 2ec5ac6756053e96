import { join } from 'node:path';
import {
  credentials,
  loadPackageDefinition,
  Metadata,
  type ChannelOptions,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { projectRoot } from '../adapters/project-root.js';

/** A client that was made from the raw .proto file, so that generated code does not test itself. */
export interface ProtoClient {
  /** Calls a unary method. 64-bit integers come as strings. @throws ServiceError */
  call(method: string, request: object, options?: CallOptions): Promise<Record<string, unknown>>;
  close(): void;
}

export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** @default 10000 */
  readonly timeoutMs?: number;
}

/** A list of 5,000 long messages is larger than grpc-js takes by default. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;

/**
 * @param file below `proto/`, such as `thread/thread_services.proto`
 * @param service full name, such as `thread.ThreadCommandService`
 * @param channelOptions of grpc-js. @default its own
 */
export function protoClient(
  file: string,
  service: string,
  address: string,
  channelOptions: ChannelOptions = {},
): ProtoClient {
  const includeDirs = [join(projectRoot, 'proto'), join(projectRoot, 'proto/third_party')];
  const definition = loadSync(file, { includeDirs, keepCase: true, longs: String, defaults: true, enums: String });
  let found: unknown = loadPackageDefinition(definition);
  for (const part of service.split('.')) found = (found as Record<string, unknown>)[part];
  const client = new (found as ServiceClientConstructor)(address, credentials.createInsecure(), {
    'grpc.max_receive_message_length': MAX_ANSWER_BYTES,
    ...channelOptions,
  });
  return {
    call: (method, request, { metadata = {}, timeoutMs = 10_000 } = {}) =>
      new Promise((resolve, reject) => {
        const headers = new Metadata();
        for (const [name, value] of Object.entries(metadata)) headers.set(name, value);
        const rpc = (client as unknown as Record<string, UnaryMethod | undefined>)[method];
        if (rpc === undefined) throw new Error(`${service} has no method ${method}`);
        rpc.call(client, request, headers, { deadline: Date.now() + timeoutMs }, (error, response) =>
          error === null ? resolve(response) : reject(error),
        );
      }),
    close: () => client.close(),
  };
}

type UnaryMethod = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
  done: (error: ServiceError | null, response: Record<string, unknown>) => void,
) => void;
