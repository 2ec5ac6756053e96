import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type status,
} from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import { ThreadCommandServiceService as OlderCommands } from '../../../gen/thread/thread_services.js';
import { ThreadRestCommandServiceService } from '../../../gen/threadweaver/legacy/thread/v1/thread_rest_command_service.js';
import { ThreadRestQueryServiceService } from '../../../gen/threadweaver/legacy/thread/v1/thread_rest_query_service.js';
import { ThreadCommandServiceService } from '../../../gen/threadweaver/thread/v1/thread_command_service.js';
import { ThreadQueryServiceService } from '../../../gen/threadweaver/thread/v1/thread_query_service.js';
import { bindReflection } from '../../../platform/grpc/reflection.js';
import { loadFileDescriptors } from '../../../platform/grpc/descriptor-set.js';

/** What a canned service answers: a response, a status, or nothing at all. */
export type CannedAnswer =
  | { readonly response: object }
  | {
      /** Headers go out before the status, not with it. @default false */
      readonly headersFirst?: boolean;
      readonly status: { readonly code: status; readonly details: string; readonly metadata?: Metadata };
    }
  | { readonly silence: true }
  /** Of a streaming method: each message is sent when it comes, and when there is room for it. */
  | { readonly messages: AsyncIterable<object> };

/** A call that reached a canned service. */
export interface ReceivedCall {
  /** Such as `/thread.ThreadCommandService/CreateThread`. */
  readonly path: string;
  readonly request: Record<string, unknown>;
  readonly metadata: Record<string, unknown>;
}

const services: ServiceDefinition[] = [
  ThreadRestCommandServiceService,
  ThreadRestQueryServiceService,
  ThreadCommandServiceService,
  ThreadQueryServiceService,
  OlderCommands,
];

/** A gRPC server that implements the API with answers that a test puts in, and keeps what it was asked. */
export class CannedServices {
  readonly calls: ReceivedCall[] = [];
  #answer: (call: ReceivedCall) => CannedAnswer = () => ({ response: {} });
  readonly #health = new HealthImplementation({ '': 'SERVING' });
  readonly #server = new Server({ 'grpc.max_send_message_length': -1 });

  /** Starts one. @param onPort 0 takes a free one. @default 0 */
  static async start(onPort = 0): Promise<CannedServices> {
    const canned = new CannedServices();
    for (const service of services) canned.#serve(service);
    canned.#health.addToServer(canned.#server);
    const own = ['threadweaver.thread.v1.ThreadQueryService'];
    for (const { definition, implementation } of bindReflection(loadFileDescriptors(), own)) {
      canned.#server.addService(definition, implementation);
    }
    canned.port = await new Promise<number>((resolve, reject) => {
      canned.#server.bindAsync(`127.0.0.1:${onPort}`, ServerCredentials.createInsecure(), (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    return canned;
  }

  port = 0;

  /** Answers every later call; forgets the calls so far. */
  answer(answer: CannedAnswer | ((call: ReceivedCall) => CannedAnswer)): void {
    this.calls.length = 0;
    this.#answer = typeof answer === 'function' ? answer : () => answer;
  }

  /** The last call that came in. */
  get lastCall(): ReceivedCall {
    const call = this.calls.at(-1);
    if (call === undefined) throw new Error('no call came in');
    return call;
  }

  /** Says NOT_SERVING, of itself or of one of its services, and goes on answering. */
  sayNotServing(service = ''): void {
    this.#health.setStatus(service, 'NOT_SERVING');
  }

  /** Takes that back; of a service, says that it has it. */
  sayServing(service = ''): void {
    this.#health.setStatus(service, 'SERVING');
  }

  stop(): void {
    this.#server.forceShutdown();
  }

  #serve(service: ServiceDefinition): void {
    const handlers = Object.entries(service).map(([name, { path, responseDeserialize, responseStream }]) => [
      name,
      (
        call: ServerUnaryCall<Record<string, unknown>, unknown> &
          ServerWritableStream<Record<string, unknown>, unknown>,
        respond: (error: unknown, response?: unknown) => void,
      ) => {
        const received = { path, request: call.request, metadata: call.metadata.getMap() };
        this.calls.push(received);
        const answer = this.#answer(received);
        // An empty message has every list as []; the test names only what it cares for.
        const empty = responseDeserialize(Buffer.alloc(0)) as object;
        if ('response' in answer) respond(null, { ...empty, ...answer.response });
        else if ('status' in answer) {
          if (answer.headersFirst) call.sendMetadata(new Metadata());
          // A streaming method has no callback.
          if (responseStream) call.emit('error', answer.status);
          else respond(answer.status);
        } else if ('messages' in answer) void sendAll(answer.messages, call);
      },
    ]);
    this.#server.addService(service, Object.fromEntries(handlers) as never);
  }
}

async function sendAll(messages: AsyncIterable<object>, call: ServerWritableStream<unknown, unknown>): Promise<void> {
  for await (const message of messages) {
    if (!call.write(message)) await new Promise((resolve) => call.once('drain', resolve).once('cancelled', resolve));
    if (call.cancelled) return;
  }
  call.end();
}
