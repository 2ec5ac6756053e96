import { join } from 'node:path';
import {
  type ClientReadableStream,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ChannelOptions,
  type ServiceClientConstructor,
  type ServiceError,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { projectRoot } from '../process/project-root.js';

/** A client that was made from the raw .proto file, so that generated code does not test itself. */
export interface ProtoClient {
  /** Calls a unary method. 64-bit integers come as strings. @throws ServiceError */
  call(method: string, request: object, options?: CallOptions): Promise<Record<string, unknown>>;
  /** Calls a server-streaming method, without a deadline unless `timeoutMs` says so. */
  stream(method: string, request: object, options?: CallOptions): ClientReadableStream<Record<string, unknown>>;
  close(): void;
}

export interface CallOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** Infinity for none. @default 10000 */
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
  const methodOf = <Method>(name: string): Method => {
    const rpc = (client as unknown as Record<string, Method | undefined>)[name];
    if (rpc === undefined) throw new Error(`${service} has no method ${name}`);
    return rpc;
  };
  return {
    call: (method, request, { metadata = {}, timeoutMs = 10_000 } = {}) =>
      new Promise((resolve, reject) => {
        const deadline = timeoutMs === Infinity ? Infinity : Date.now() + timeoutMs;
        methodOf<UnaryMethod>(method).call(client, request, metadataOf(metadata), { deadline }, (error, response) =>
          error === null ? resolve(response) : reject(error),
        );
      }),
    stream: (method, request, { metadata = {}, timeoutMs } = {}) => {
      const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
      return methodOf<StreamingMethod>(method).call(client, request, metadataOf(metadata), options);
    },
    close: () => client.close(),
  };
}

function metadataOf(headers: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  return metadata;
}

type StreamingMethod = (
  request: object,
  metadata: Metadata,
  options: { deadline?: number },
) => ClientReadableStream<Record<string, unknown>>;

type UnaryMethod = (
  request: object,
  metadata: Metadata,
  options: { deadline: number },
  done: (error: ServiceError | null, response: Record<string, unknown>) => void,
) => void;
