export { freePort, isPortFree } from './free-ports.js';
export { type RunningNatsCluster, startNatsCluster } from './nats-cluster.js';
export { freshDatabaseUrl, sharedNatsUrl } from './shared-servers.js';
export { type RunningServer, type ServerState, startMySqlServer, startNatsServer } from './start-server.js';
export { startTcpProxy, type TcpProxy } from './tcp-proxy.js';
export { waitUntilHealthy } from './wait-until-healthy.js';
