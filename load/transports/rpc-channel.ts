import type { MethodDefinition } from '@grpc/grpc-js';

/** A way to call methods of gRPC services. Both throw CallFailed. */
export interface RpcChannel {
  call<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: { readonly deadlineAt: number; readonly threadId?: string },
  ): Promise<Response>;
  /** Ends when the mesh ends it or the signal is aborted. */
  stream<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    options: { readonly threadId: string; readonly signal: AbortSignal },
  ): AsyncIterable<Response>;
  close(): Promise<void>;
}
