export { type CutKind, CutProxy } from './cut-proxy.js';
export { freePort, isPortFree } from './free-ports.js';
export { type RunningNatsCluster, startNatsCluster } from './nats-cluster.js';
export { freshDatabaseUrl, sharedNatsUrl } from './shared-servers.js';
export { type RunningServer, type ServerState, startMySqlServer, startNatsServer } from './start-server.js';
export { waitUntilHealthy } from './wait-until-healthy.js';
