import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  Server,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { toServiceError } from './statuses.js';
import { decodeStrictly, UndecodableRequest } from './strict-decoding.js';
import type { BoundService } from './unary-service.js';
import { WireScan } from './wire-scan.js';

/** What a library adds to a server. */
export function servicesAddedBy(addTo: (server: Server) => void): BoundService[] {
  const bound: BoundService[] = [];
  const collector = {
    addService: (definition: ServiceDefinition, implementation: UntypedServiceImplementation) =>
      void bound.push({ definition, implementation }),
  };
  addTo(collector as unknown as Server);
  return bound;
}

/** Health and reflection ask for a name or two. */
const bounds = { fields: 100 };
const anyShape = { fields: new Map<never, never>(), isTransparent: false, isMapEntry: false };

/**
 * A library's service, whose handlers get only requests that could be decoded: what could not is INVALID_ARGUMENT, where
 * grpc-js would say INTERNAL as if we had failed.
 */
export function guardService({ definition, implementation }: BoundService): BoundService {
  const guarded: Record<string, MethodDefinition<unknown, unknown>> = {};
  const handlers: UntypedServiceImplementation = {};
  for (const [name, method] of Object.entries(definition)) {
    const { originalName = name } = method;
    const requestDeserialize: (bytes: Buffer) => unknown = method.requestDeserialize;
    const handler = implementation[name] ?? implementation[originalName];
    if (handler === undefined) continue;
    const scan = new WireScan(anyShape, bounds);
    guarded[name] = { ...method, requestDeserialize: (bytes) => decodeStrictly(requestDeserialize, bytes, scan) };
    if (method.requestStream) handlers[name] = guardStream(handler as handleBidiStreamingCall<unknown, unknown>);
    else if (method.responseStream)
      handlers[name] = guardAnswers(handler as handleServerStreamingCall<unknown, unknown>);
    else handlers[name] = guardCall(handler as handleUnaryCall<unknown, unknown>);
  }
  return { definition: guarded as ServiceDefinition, implementation: handlers };
}

function guardCall(handler: handleUnaryCall<unknown, unknown>): handleUnaryCall<unknown, unknown> {
  return (call, respond) =>
    call.request instanceof UndecodableRequest ? respond(toServiceError(call.request.error)) : handler(call, respond);
}

function guardAnswers(
  handler: handleServerStreamingCall<unknown, unknown>,
): handleServerStreamingCall<unknown, unknown> {
  return (call) => {
    if (call.request instanceof UndecodableRequest) call.emit('error', toServiceError(call.request.error));
    else handler(call);
  };
}

function guardStream(handler: handleBidiStreamingCall<unknown, unknown>): handleBidiStreamingCall<unknown, unknown> {
  return (stream) => {
    const on = stream.on.bind(stream) as (event: string, listener: (request: unknown) => void) => typeof stream;
    let isOver = false;
    const take = (listener: (request: unknown) => void) => (request: unknown) => {
      if (isOver) return;
      if (!(request instanceof UndecodableRequest)) return listener(request);
      isOver = true;
      stream.emit('error', toServiceError(request.error));
    };
    stream.on = ((event: string, listener: (request: unknown) => void) =>
      on(event, event === 'data' ? take(listener) : listener)) as typeof stream.on;
    handler(stream);
  };
}
