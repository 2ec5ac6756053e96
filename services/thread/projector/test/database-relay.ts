import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Stands between a process and its database, and makes their connection bad. */
export interface DatabaseRelay {
  readonly port: number;
  /** Holds everything that the database says for so long, in milliseconds. */
  delay(ms: number): void;
  /** Once: the statement gets to the database, and its connection breaks when the answer would come. */
  loseAnswerTo(statement: string): Promise<void>;
  close(): Promise<void>;
}

/** @param databasePort where the database listens, on loopback */
export async function startDatabaseRelay(databasePort: number): Promise<DatabaseRelay> {
  let delayMs = 0;
  let trap: { statement: string; sprung(): void } | undefined;
  const sockets = new Set<Socket>();

  const server = createServer((client) => {
    const database = connect(databasePort, '127.0.0.1');
    let isTrapped = false;
    const end = (): void => {
      client.destroy();
      database.destroy();
    };
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', end).on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on('data', (data) => {
      isTrapped ||= trap !== undefined && data.includes(trap.statement);
      database.write(data);
    });
    database.on('data', (data) => {
      if (isTrapped) {
        end();
        trap?.sprung();
        trap = undefined;
      } else if (delayMs > 0) setTimeout(() => client.destroyed || client.write(data), delayMs);
      else client.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    delay: (ms) => void (delayMs = ms),
    loseAnswerTo: (statement) => new Promise((resolve) => (trap = { statement, sprung: resolve })),
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
