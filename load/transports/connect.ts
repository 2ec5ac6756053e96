import type { Protocol } from '../engine/load-options.js';
import { GrpcChannel } from './grpc-channel.js';
import { GrpcThreadApi } from './grpc-thread-api.js';
import { HttpClient } from './http-client.js';
import { RestThreadApi } from './rest-thread-api.js';
import type { ThreadApi } from './thread-api.js';

/**
 * The way to the mesh. Connections are made when they are needed.
 * @param target base URL of the edge
 * @param concurrency how many users there are at once at most
 */
export function connect(protocol: Protocol, target: string, concurrency: number): ThreadApi {
  const url = new URL(target);
  switch (protocol) {
    case 'rest':
      return new RestThreadApi(new HttpClient(url.origin));
    case 'grpc':
      return new GrpcThreadApi(new GrpcChannel(url, concurrency));
  }
}
