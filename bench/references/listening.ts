import { Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js';

/** A grpc-js server as the services set theirs up, without anything around it. */
export function bareServer(): Server {
  const options: ServerOptions = {
    'grpc.max_receive_message_length': 4 * 1024 * 1024,
    'grpc.max_concurrent_streams': 1_000,
  };
  return new Server(options);
}

/** Listens on a free port, says so as the services do, and ends on SIGTERM. */
export function listen(server: Server, close: () => Promise<unknown>): void {
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error !== null) throw error;
    console.log(JSON.stringify({ msg: 'listening', port }));
  });
  process.once('SIGTERM', () => {
    server.forceShutdown();
    void close().then(() => process.exit(0));
  });
}
