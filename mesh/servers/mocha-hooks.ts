import { stopSharedServers } from './shared-servers.js';

/** Loaded by .mocharc.json: stops the servers that integration tests shared. */
export const mochaHooks = { afterAll: stopSharedServers };
