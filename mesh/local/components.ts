import { join } from 'node:path';
import { checkMySqlHealth, ensureDatabase, mySqlServer } from '../../services/shared/testing/servers/mysql-server.js';
import { checkNatsHealth, natsServer } from '../../services/shared/testing/servers/nats-server.js';
import { projectRoot } from '../../services/shared/adapters/project-root.js';
import type { ServerCommand } from '../../services/shared/testing/servers/server-definition.js';
import type { Component, PortClaim, ProcessComponent } from './component.js';
import { envoyComponent } from './envoy-component.js';
import { checkGrpcHealth } from './grpc-health.js';
import { type MeshPorts, type MeshSettings, portSettings } from './mesh-settings.js';

/** The whole mesh, as data. */
export function meshComponents(settings: MeshSettings): Component[] {
  const { ports, dataDir } = settings;
  const claim = (name: keyof MeshPorts, host?: string): PortClaim => {
    const { variable, purpose } = portSettings[name];
    return { port: ports[name], host, purpose, variable };
  };
  const nats = natsServer({ port: ports.nats, dataDir: join(dataDir, 'nats') });
  const mySql = mySqlServer({ port: ports.mySql, dataDir: join(dataDir, 'mysql') });
  const natsUrl = settings.natsUrl ?? nats.url;
  const mySqlUrl = settings.mySqlUrl ?? mySql.url;
  const backends = { NATS_URL: natsUrl, MYSQL_URL: mySqlUrl, ...settings.serviceEnv };

  const service = (name: string, port: keyof MeshPorts): ProcessComponent => ({
    kind: 'process',
    name,
    dependsOn: ['nats', 'mysql', 'migrate'],
    ports: [claim(port)],
    server: {
      name,
      url: `127.0.0.1:${ports[port]}`,
      port: ports[port],
      command: () =>
        compiled(`services/${name}/main.js`, { ...backends, GRPC_HOST: '127.0.0.1', GRPC_PORT: `${ports[port]}` }),
      checkHealth: () => checkGrpcHealth(`127.0.0.1:${ports[port]}`),
    },
  });

  return [
    settings.natsUrl === undefined
      ? { kind: 'process', name: 'nats', dependsOn: [], ports: [claim('nats')], server: nats }
      : { kind: 'external', name: 'nats', dependsOn: [], url: natsUrl, checkHealth: () => checkNatsHealth(natsUrl) },
    settings.mySqlUrl === undefined
      ? { kind: 'process', name: 'mysql', dependsOn: [], ports: [claim('mySql')], server: mySql }
      : {
          kind: 'external',
          name: 'mysql',
          dependsOn: [],
          url: mySqlUrl,
          checkHealth: async () => {
            await ensureDatabase(mySqlUrl);
            await checkMySqlHealth(mySqlUrl);
          },
        },
    {
      kind: 'task',
      name: 'migrate',
      dependsOn: ['mysql'],
      command: () => compiled('services/thread-projector/migrate.js', backends),
    },
    service('thread-command', 'threadCommand'),
    service('thread-query', 'threadQuery'),
    service('thread-projector', 'threadProjector'),
    envoyComponent(settings, claim, ['thread-command', 'thread-query', 'thread-projector']),
  ];
}

/** A module of ours, in a process of its own. */
function compiled(module: string, env: Readonly<Record<string, string>>): ServerCommand {
  return { command: process.execPath, args: ['--enable-source-maps', join(projectRoot, 'dist', module)], env };
}
