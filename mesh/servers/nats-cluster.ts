import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-ports.js';
import { natsServer } from './nats-server.js';
import { type RunningServer, startServer } from './start-server.js';

/** Three real nats-servers that a test started as one cluster. */
export interface RunningNatsCluster {
  /** All addresses, with commas between them. */
  readonly url: string;
  /** `restart` of one waits until it has caught up with the others. */
  readonly nodes: readonly RunningServer[];
  /** Kills all of them and starts them again. */
  restartAll(): Promise<void>;
  /** Stops them and removes their data. */
  stop(): Promise<void>;
}

/** Starts a cluster of three on free ports and waits until it has a leader. */
export async function startNatsCluster(): Promise<RunningNatsCluster> {
  const dataDir = await mkdtemp(join(tmpdir(), 'threadweaver-nats-cluster-'));
  const routePorts = [await freePort(), await freePort(), await freePort()];
  // None is healthy before two of them run.
  const starts = await Promise.allSettled(
    routePorts.map(async (_, index) => {
      const ports = { port: await freePort(), monitorPort: await freePort() };
      const cluster = { node: index + 1, routePorts };
      return startServer(natsServer({ ...ports, dataDir: join(dataDir, `nats-${index + 1}`), cluster }));
    }),
  );
  const nodes = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  const stop = async (): Promise<void> => {
    await Promise.all(nodes.map((node) => node.stop()));
    await rm(dataDir, { recursive: true, force: true });
  };
  const failure = starts.find((start) => start.status === 'rejected');
  if (failure !== undefined) {
    await stop();
    throw failure.reason;
  }
  return {
    url: nodes.map(({ url }) => url).join(','),
    nodes,
    restartAll: async () => {
      await Promise.all(nodes.map((node) => node.kill('SIGKILL')));
      await Promise.all(nodes.map((node) => node.restart()));
    },
    stop,
  };
}
